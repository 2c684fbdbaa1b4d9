"""The base of all other parts: errors, files, cached steps, parallel work, devices."""

from importlib import import_module

_NAMES = {
    "check_settings": ".cache",
    "differences": ".cache",
    "forget": ".cache",
    "keep_map": ".cache",
    "quiet": ".cache",
    "read_kept": ".cache",
    "settings_of": ".cache",
    "step": ".cache",
    "write_kept": ".cache",
    "no_denormals": ".device",
    "pick_device": ".device",
    "CourseError": ".errors",
    "one_of": ".errors",
    "os_errors": ".errors",
    "as_json": ".files",
    "atomic": ".files",
    "digest": ".files",
    "digests": ".files",
    "fingerprint": ".files",
    "make_folder": ".files",
    "read_json": ".files",
    "read_table": ".files",
    "sweep": ".files",
    "write_json": ".files",
    "write_table": ".files",
    "write_text": ".files",
    "write_packed": ".packed",
    "Workers": ".parallel",
    "cores": ".parallel",
    "end_with_parent": ".parallel",
    "free_memory": ".parallel",
    "prefetch": ".parallel",
    "seed_everything": ".random",
    "stream": ".random",
    "progress": ".terminal",
    "say": ".terminal",
}
__all__ = list(_NAMES)


def __getattr__(name):
    if name in _NAMES:
        return getattr(import_module(_NAMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_NAMES])
