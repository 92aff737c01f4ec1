from sustainml_swig import MLModelMetadataNode as _MLModelMetadataNode

from .proxy import NodeProxy

__all__ = ["MLModelMetadataNode"]


class MLModelMetadataNode(NodeProxy):
    node = _MLModelMetadataNode
