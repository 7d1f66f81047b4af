import collections

from tests.workflows.requests import test_walks as t

C = collections.Counter()
orig = t.Walk._do


def _do(self, name, act):
    b = {x.number: x for x in self._all()}
    orig(self, name, act)
    for x in self._all():
        o = b.get(x.number)
        if o is None or o.version != x.version:
            C[(o.state.value if o else None, x.state.value)] += 1


t.Walk._do = _do


def test_it(fresh, tmp_path):
    try:
        t.test_any_walk_keeps_what_was_promised(fresh, tmp_path)
    finally:
        print(sorted(C.items(), key=lambda k: -k[1]), file=open("/tmp/E/stats.txt", "w"))
