"""Keys of the demonstration that its programs share. They are public, so they are good for nothing else."""

from typing import Final

MOBILE_KEY: Final = "pk_demo"
# With this the sample shop's backend signs who is logged in.
SHOP_SECRET: Final = "odzew-demo-signing-secret-that-everybody-knows"  # noqa: S105  public on purpose
