"""All patterns, in the order in which they are tried at each place of a clause. What misleads is looked for first."""

from alerts.replies.words.meanings import MEANINGS
from alerts.replies.words.misleading import MISLEADING

PATTERNS = (*MISLEADING, *MEANINGS)
