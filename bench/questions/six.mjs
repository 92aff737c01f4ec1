export const six = { name: 'six', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
