"""Python steps of the weather dataset."""

from __future__ import annotations

import numpy as np
import pandas as pd

_WIND_CHILL_BELOW = 50.0
_WIND_CHILL_FROM_MPH = 3.0


def feels_like(frame: pd.DataFrame) -> pd.Series:
    """Return the wind chill in degrees Fahrenheit where it is defined, else the temperature.

    The formula is the one of the US National Weather Service (2001): temperatures up to 50 °F and
    wind from 3 mph.
    """
    temperature = frame["temp"].to_numpy(dtype="float64", na_value=np.nan)
    wind = frame["wind_speed"].to_numpy(dtype="float64", na_value=np.nan)
    chill = 35.74 + 0.6215 * temperature - 35.75 * wind**0.16 + 0.4275 * temperature * wind**0.16
    applies = (temperature <= _WIND_CHILL_BELOW) & (wind >= _WIND_CHILL_FROM_MPH)
    felt = np.where(applies, chill, temperature)
    return pd.Series(felt, index=frame.index).round(1).astype("double[pyarrow]")
