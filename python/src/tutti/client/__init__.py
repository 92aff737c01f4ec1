"""Programs that submit problems and read results: ``from tutti import Tutti``, or ``AsyncTutti``. See ``docs/clients.md``."""

try:
    import httpx  # noqa: F401
    import markdown_it  # noqa: F401
    import websockets  # noqa: F401
except ImportError as error:
    raise ImportError("the client needs httpx, websockets and markdown-it-py: pip install 'tutti[client]'", name=error.name) from error

from .asynchronous import AsyncIteration, AsyncTutti, Comparison
from .content import Content
from .campaigns import AsyncCampaigns, Campaigns
from .deployments import AsyncDeployments, Deployments
from .errors import ClientError
from .iteration import IterationView
from .jobs import AsyncClusters, AsyncJob, AsyncJobs, Clusters, Job, Jobs
from .listing import AsyncListing, Listing
from .services import AsyncServices, Services
from .synchronous import Iteration, Outputs, Tutti
from .webhooks import AsyncWebhooks, Webhooks

__all__ = [
    "AsyncCampaigns",
    "AsyncClusters",
    "AsyncDeployments",
    "AsyncIteration",
    "AsyncJob",
    "AsyncJobs",
    "AsyncListing",
    "AsyncServices",
    "AsyncTutti",
    "AsyncWebhooks",
    "Campaigns",
    "ClientError",
    "Clusters",
    "Comparison",
    "Content",
    "Deployments",
    "Iteration",
    "IterationView",
    "Job",
    "Jobs",
    "Listing",
    "Outputs",
    "Services",
    "Tutti",
    "Webhooks",
]
