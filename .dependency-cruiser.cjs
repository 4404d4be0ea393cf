// Holds the "may import" column of docs/architecture.md. The core is pure: no Node built-in, no package, no other folder.
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^(src|lab|test|bench)/', pathNot: allowed },
});
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-is-pure',
      severity: 'error',
      from: { path: '^src/core' },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-no-pkg', 'npm-unknown'] },
    },
    only('core-model-imports-nothing', '^src/core/model', '^src/core/model'),
    only('core-catalog', '^src/core/catalog', '^src/core/(model|catalog)'),
    only('core-plan', '^src/core/plan', '^src/core'),
    only('pki', '^src/pki', '^src/pki'),
    only('config', '^src/config', '^src/(config|errors)'),
    only('nodes', '^src/nodes', '^src/(nodes|config|errors)'),
    only('cluster', '^src/cluster', '^src/(cluster|pki|errors)'),
    only('stores', '^src/stores', '^src/(stores|pki|nodes|cluster|core/model|errors)'),
    only('discover', '^src/discover', '^src/(discover|stores|pki|nodes|cluster|core|config|errors)'),
    only('prove', '^src/prove', '^src/(prove|discover|stores|pki|nodes|cluster|core|config|errors)'),
    only('backup', '^src/backup', '^src/(backup|stores|nodes|cluster|pki|core/model|config|errors)'),
    only('kubeconfig', '^src/kubeconfig', '^src/(kubeconfig|stores|nodes|cluster|pki|core/model|errors)'),
    only('rotate', '^src/rotate', '^src/(rotate|backup|prove|discover|stores|pki|nodes|cluster|core|config|errors)'),
    only('views', '^src/views', '^src/(views|core/model|rotate/(events|record-types)|errors)'),
    only('product-does-not-know-the-lab', '^src/(?!cli)', '^src'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
