"""Are the electrodes on, and how good is their contact.

`check_contact` does it all on a board; `follow_electrode` measures one while somebody works at it.
For a display that lives while nothing is injected:
`prepare_quiet` and a `ContactWatch` on the stream; or `quiet_figures` and `judge_channels` on
arrays alone.
"""

from emgrig.electrodes.check import Channel, ContactCheck, Electrode, Finding
from emgrig.electrodes.check_file import last_check, save_check
from emgrig.electrodes.judge import judge_channels
from emgrig.electrodes.lights import Light, Limits
from emgrig.electrodes.procedure import check_contact, follow_electrode, prepare_quiet
from emgrig.electrodes.quiet import ChannelFigures, quiet_figures
from emgrig.electrodes.settings import ContactSettings, channel_names, wired_channels
from emgrig.electrodes.watch import ContactWatch

__all__ = [
    "Channel",
    "ChannelFigures",
    "ContactCheck",
    "ContactSettings",
    "ContactWatch",
    "Electrode",
    "Finding",
    "Light",
    "Limits",
    "channel_names",
    "check_contact",
    "follow_electrode",
    "judge_channels",
    "last_check",
    "prepare_quiet",
    "quiet_figures",
    "save_check",
    "wired_channels",
]
