//! The docker daemon and the compose command: the one seam to containers, images, networks and projects.
