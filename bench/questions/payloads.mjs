export const payloads = { name: 'payloads', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
