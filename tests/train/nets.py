"""Networks for tests that do not train them; needs torch (extra: train)."""

from typing import TypeVar

from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def settled(net: Net) -> Net:
    """Return the net in evaluation mode, its normalisations with statistics that are not the initial ones."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return net.eval()
