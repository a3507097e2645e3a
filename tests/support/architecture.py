"""The drawing of the rooms in `docs/architecture.md`, made from the contracts that import-linter holds.

`python -m tests.support.architecture` prints it; whoever changes a layer puts it into the page.
"""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
FENCE = "```"


def drawing() -> str:
    """A Mermaid flowchart: packages as boxes, their layers from above to below; an arrow is "may import"."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = [each for each in tools["importlinter"]["contracts"] if each["type"] == "layers"]
    between = next(each for each in contracts if "containers" not in each)
    lines = ["flowchart TB"]
    nodes: dict[str, str] = {}
    for contract in contracts:
        for package in contract.get("containers", ()):
            lines.append(f"  subgraph {package}")
            layers = [layer.split(" | ") for layer in contract["layers"] if layer != "__main__"]
            names = [f'{package}{number}["{" · ".join(layer)}"]' for number, layer in enumerate(layers)]
            lines += [f"    {name}" for name in names]
            nodes |= {f"{package}.{room}": f"{package}{at}" for at, layer in enumerate(layers) for room in layer}
            lines += [f"    {package}{number} --> {package}{number + 1}" for number in range(len(layers) - 1)]
            lines.append("  end")
    stands = [re.split(r" [|:] ", layer) for layer in between["layers"] if not layer.endswith("__main__")]
    for above, below in pairwise(stands):
        # Of rooms of one package in one layer the arrow goes to the highest: it may import those below it as well.
        ends = dict.fromkeys(nodes.get(name, name) for name in (below if "." not in below[0] else below[:1]))
        lines += [f"  {nodes.get(one, one)} --> {other}" for one in above for other in ends]
    return "\n".join([f"{FENCE}mermaid", *lines, FENCE])


if __name__ == "__main__":
    print(drawing())
