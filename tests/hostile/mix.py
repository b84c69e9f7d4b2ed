"""All kinds of bad requests in one endless, repeatable stream."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.hostile import bodies, forms, protocol
from tests.hostile.photos import damaged_photos
from tests.hostile.wire import BadRequest

_WEIGHTS = {
    "damaged photo": 42, bodies.odd_photo: 6, bodies.text: 15, bodies.options: 8, bodies.bad_json: 10,
    bodies.urlencoded: 2, forms.broken_form: 10, protocol.broken_http: 6, protocol.too_large: 0.5, protocol.slow: 0.5,
}  # fmt: skip


def bad_requests(seed: int) -> Iterator[BadRequest]:
    """Yield bad requests without end, the same for the same seed."""
    rng, photos = random.Random(seed), damaged_photos(seed)
    makers, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    while True:
        make = rng.choices(makers, weights)[0]
        if isinstance(make, str):
            name, data = next(photos)
            yield bodies.with_photo(make, name.split("+")[0], data, rng)
        else:
            yield make(rng)
