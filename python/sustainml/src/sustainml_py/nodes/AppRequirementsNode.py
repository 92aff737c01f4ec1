from sustainml_swig import AppRequirementsNode as _AppRequirementsNode

from .proxy import NodeProxy

__all__ = ["AppRequirementsNode"]


class AppRequirementsNode(NodeProxy):
    node = _AppRequirementsNode
