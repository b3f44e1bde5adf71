"""Options that several commands take."""

from pathlib import Path


def read_mvc(options: list[str], n_channels: int) -> dict[int, float]:
    """Read options of the form CHANNEL=uV, or session files; return the MVC, µV, of each channel.

    Raises
    ------
    ValueError
        If one is not of this form, or there is no such channel.
    RecordingError
        If a session file cannot be read.
    """
    levels: dict[int, float] = {}
    for option in options:
        if option.endswith(".json"):
            from emgrig.experiment.files.record import read_record

            levels |= {mvc.channel: mvc.uv for mvc in read_record(Path(option)).mvc}
            continue
        channel, _, level = option.partition("=")
        try:
            level_uv = float(level)
        except ValueError:
            level_uv = 0.0
        if not channel.isdigit() or not 1 <= int(channel) <= n_channels or not level_uv > 0:
            raise ValueError(
                f"--mvc {option}: expected CHANNEL=uV with a channel from 1 to {n_channels} and a "
                "level above 0, as 5=310, or the file of a session, as P01_session.json"
            )
        levels[int(channel)] = level_uv
    return levels
