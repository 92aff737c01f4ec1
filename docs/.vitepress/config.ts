/** The docs as a site: `npm run docs` writes it to `docs/.vitepress/dist`. It works below any path of a host, given as `DOCS_BASE`. */
import { defineConfig } from 'vitepress';

const page = (text: string, name: string): { text: string; link: string } => ({ text, link: `/${name}` });

export default defineConfig({
  title: 'Tutti',
  description: 'Coordinates a graph of programs that work on one problem together',
  base: process.env.DOCS_BASE ?? '/',
  cleanUrls: true,
  lastUpdated: false,
  // Files of the source tree that are not pages of the site.
  ignoreDeadLinks: [/^\.?\/?\.\.\//],
  vite: { publicDir: '.pictures', logLevel: 'warn' },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      {
        text: 'Begin',
        items: [
          page('What Tutti is', ''),
          page('Tutorial', 'tutorial'),
          page('When Tutti, when not', 'when'),
          page('Troubleshooting', 'troubleshooting'),
        ],
      },
      {
        text: 'Write nodes',
        items: [
          page('Write a node', 'write-a-node'),
          page('Graph files', 'graph-file'),
          page('Scripts and clusters', 'clusters'),
          page('Values and types', 'values'),
          page('Coming from SustainML', 'from-sustainml'),
        ],
      },
      {
        text: 'Ask and watch',
        items: [page('The page', 'page'), page('Clients', 'clients'), page('HTTP and WebSocket', 'api')],
      },
      {
        text: 'Operate',
        items: [
          page('Operating Tutti', 'operations'),
          page('Deploying', 'deploy'),
          page('Services', 'services'),
          page('Campaigns', 'campaigns'),
          page('Deployments', 'deployments'),
          page('Webhooks', 'webhooks'),
          page('Security', 'security'),
          page('Performance', 'performance'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('Errors', 'errors'),
          page('Node protocol', 'node-protocol'),
          page('Architecture', 'architecture'),
        ],
      },
    ],
  },
});
