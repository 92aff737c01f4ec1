import '@xyflow/react/dist/style.css';
import './styles/fonts.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/task.css';
import './styles/values.css';
import './styles/forms.css';
import './styles/nodes.css';
import './styles/overview.css';
import './styles/remarks.css';
import './values/values.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/http.js';
import { App } from './app.js';
import { dropTokenFromAddress } from './connection/address-token.js';
import { Boundary } from './display/boundary.js';
import { adoptTheme } from './display/theme.js';
import { browserFeedDeps } from './live/browser.js';
import { LiveFeed } from './live/feed.js';
import { ShortcutsProvider } from './shortcuts/shortcuts.js';
import { backoffMs } from './state/connection.js';

dropTokenFromAddress();
adoptTheme();

/** What the orchestrator refused stays refused; what it did not answer, or not yet, is asked for again. */
function worthAnotherTry(error: Error): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status === 429 || error.status >= 500;
}

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: 'always',
      // The reducers keep what did not change the very same object; comparing long histories again would cost more than drawing them.
      structuralSharing: false,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      retry: (_failures, error) => worthAnotherTry(error),
      retryDelay: (failures) => backoffMs(failures + 1, Math.random()),
    },
    mutations: { networkMode: 'always' },
  },
});
const feed = new LiveFeed(browserFeedDeps(cache));
feed.start();

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <ShortcutsProvider>
        <Boundary view="app">
          <App feed={feed} />
        </Boundary>
      </ShortcutsProvider>
    </QueryClientProvider>
  </StrictMode>,
);
