export const history = { name: 'history', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
