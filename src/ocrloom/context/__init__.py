"""What pixels cannot tell, settled by the words and the line that it stands in."""

from ocrloom.context.mend import Mender, Token, mender_of

__all__ = ["Mender", "Token", "mender_of"]
