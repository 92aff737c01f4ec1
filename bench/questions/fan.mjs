export const fan = { name: 'fan', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
