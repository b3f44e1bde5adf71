"""Options that several commands take."""


def read_mvc(options: list[str], n_channels: int) -> dict[int, float]:
    """Read options of the form CHANNEL=uV; return the MVC, µV, of each channel number.

    Raises
    ------
    ValueError
        If one is not of this form, or there is no such channel.
    """
    levels = {}
    for option in options:
        channel, _, level = option.partition("=")
        try:
            level_uv = float(level)
        except ValueError:
            level_uv = 0.0
        if not channel.isdigit() or not 1 <= int(channel) <= n_channels or not level_uv > 0:
            raise ValueError(
                f"--mvc {option}: expected CHANNEL=uV with a channel from 1 to {n_channels} and a "
                "level above 0, as 5=310"
            )
        levels[int(channel)] = level_uv
    return levels
