from sustainml_swig import HardwareResourcesNode as _HardwareResourcesNode

from .proxy import NodeProxy

__all__ = ["HardwareResourcesNode"]


class HardwareResourcesNode(NodeProxy):
    node = _HardwareResourcesNode
