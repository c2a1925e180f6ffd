"""A stand-in for the images of Trains Server and ClearML Server; see the README of this folder."""
