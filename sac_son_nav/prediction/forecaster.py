"""Where people go with nobody but people about: all of them at once, several futures with their probabilities.

The shared interface (its model follows in this file):

    forecast(parameters, pasts (N, 8, 2), mask (N, 8)) -> Forecast

* N people; pasts [m] in any one frame, oldest first, one step of 0.4 s between two, the last is now; mask False where
  a person was not yet seen (what pasts hold there is never read). The last two of each person must be seen; who was
  seen only once is not a matter for this model: constant velocity stands in, at its door (`prediction/learned.py`).
* Forecast.best (N, 12, 2) [m]: the single best path at 0.4, 0.8, ... 4.8 s, in the same frame;
  Forecast.modes (N, 20, 12, 2) [m] and Forecast.probabilities (N, 20), which sum to 1 for each person;
  Forecast.spread (N, 20, 12) [m]: standard deviation of each mode's position along each axis.
* Pure: NumPy or torch by what comes in, float32. Turning, moving, mirroring the frame does the same to the answer;
  the order of people changes nothing but the order of the answer.
"""
