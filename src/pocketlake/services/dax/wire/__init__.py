"""DAX's wire form: CBOR values one after another on a TCP connection, without any length around a request.

A connection begins with five values (magic, layering, session, header map, types). A request is a service number, a
method number and the method's parameters; an answer is an array of error codes, empty when all went well, and then
the result.
Source: AWS's own clients (amazon-dax-client on PyPI and npm, aws-dax-go), which are the protocol's only description.
"""
