"""Logging to standard output and, where the deployment mounts it, to the log directory."""

import logging
import logging.handlers
import pathlib
import sys


def set_up(release, role):
    """Configures the root logger of a process that plays `role`."""
    handlers = [logging.StreamHandler(sys.stdout)]
    directory = pathlib.Path(release.log_directory)
    if directory.is_dir():
        handlers.append(logging.handlers.RotatingFileHandler(directory / f"{role}.log", maxBytes=10 << 20, backupCount=3))
    logging.basicConfig(
        level=logging.INFO, format="[%(asctime)s] [%(process)d] [%(levelname)s] [%(name)s] %(message)s", handlers=handlers
    )
    return logging.getLogger(f"{release.product.lower()}.{role}")
