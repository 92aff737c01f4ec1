from sustainml_swig import HardwareConstraintsNode as _HardwareConstraintsNode

from .proxy import NodeProxy

__all__ = ["HardwareConstraintsNode"]


class HardwareConstraintsNode(NodeProxy):
    node = _HardwareConstraintsNode
