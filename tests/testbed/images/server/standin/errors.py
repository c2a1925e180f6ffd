"""Errors that a caller sees in the envelope of an answer."""


class ApiError(Exception):
    """`code` is the HTTP status and the result code, `subcode` what the client library tells causes apart by."""

    def __init__(self, code, subcode, message):
        super().__init__(message)
        self.code = code
        self.subcode = subcode
