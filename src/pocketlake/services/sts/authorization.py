"""What it takes to get other credentials. Nobody needs a permission to ask who they are, or for a session of their own.

Sources: Service Authorization Reference, "AWS Security Token Service"; API Reference, GetCallerIdentity and
GetSessionToken.
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On

ROLE = "{RoleArn}"
FEDERATED = "arn:aws:sts::{account}:federated-user/{Name}"

authorization = Authorization(
    "sts",
    {
        "assume_role": (
            On(ROLE),
            On(ROLE, "TagSession", given="Tags"),
            On(ROLE, "SetSourceIdentity", given="SourceIdentity"),
        ),
        "get_access_key_info": ANY,
        "get_caller_identity": (),
        "get_federation_token": (On(FEDERATED), On(FEDERATED, "TagSession", given="Tags")),
        "get_session_token": (),
    },
)
