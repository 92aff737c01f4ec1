export const queue = { name: 'queue', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
