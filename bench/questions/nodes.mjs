export const nodes = { name: 'nodes', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
