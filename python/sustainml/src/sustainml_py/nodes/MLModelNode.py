from sustainml_swig import MLModelNode as _MLModelNode

from .proxy import NodeProxy

__all__ = ["MLModelNode"]


class MLModelNode(NodeProxy):
    node = _MLModelNode
