export const viewers = { name: 'viewers', run: async () => ({tables:[],ratios:[],notMeasured:[],figures:{}}) };
