"""The constants of the verdict, in one place. They are no options: a tolerance that can be tuned is no verdict."""

LIMIT = 30.0
"""Roundings up to which the first and the second look acquit."""

SYSTEMATIC = 1000.0
"""A deviation this many times its own scatter over nearby points is no rounding."""

OPPOSITE_FROM = 10.0
"""A deviation this many times its own scatter may be a smooth one: the points opposite are taken too.

Of a deviation on one side of a kink alone, which opposite points would make look steady, it is about 1.
"""

NOISY_RUNS = 8
"""Runs of the noisy arithmetic."""

NOISE = 4.0
"""Size of the noise, in unit roundoffs."""

POINTS = 8
"""Nearby points of the third look, of each kind."""

KINK_RUNS = 32
"""Moved points, and noisy runs, that span what a gradient takes on around a kink."""

SHIFT = 2.0**-20
"""How far a nearby point lies, relative to each tensor's rms."""

ESCAPES = (SHIFT, 2.0**-8)
"""How far the point lies that is judged where rounding swallows the gradient: the second, if the first decides nothing.

Beside a minimum the gradient itself is as small as the first move, and a wrong one looks random there.
"""

CLOSE, STEEP = 2.0**-48, 0.02
"""A gradient is steep that changes by more than STEEP within SHIFT, and by less than STEEP of that within CLOSE.

The points nearby then lie too far away. (On a kink it changes as much however near they are.)
"""

COARSE = 1e-6
"""The first look does not judge an element of which 30 sigma are more than this part: it is too small beside others."""

UNIT_ROUNDOFF = {"float32": 2.0**-24, "float64": 2.0**-53, "float16": 2.0**-11, "bfloat16": 2.0**-8}
TF32 = 2.0**-11
"""That of a factor that is rounded to TF32, which has 10 bits of mantissa and the range of float32."""

SMALLEST_SUBNORMAL = {"float32": 2.0**-149, "float64": 2.0**-1074, "float16": 2.0**-24, "bfloat16": 2.0**-133}
