"""Time of ``import coreset_lib`` beyond starting Python, beside ``import torch``."""

import subprocess
import sys
import time

from measuring import parser, publish, spread

STATEMENTS = {
    "python": "pass",
    "coreset_lib": "import coreset_lib",
    "coreset_lib.cli": "import coreset_lib.cli",
    "torch": "import torch",
}


def seconds_of(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def main() -> None:
    arguments = parser(__doc__ or "")
    arguments.add_argument("--repeats", type=int, default=15)
    given = arguments.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for repeat in range(given.repeats + 1):
        for name, statement in STATEMENTS.items():
            taken = seconds_of(statement)
            if repeat:
                seconds[name].append(taken)
    times = {name: spread(values) for name, values in seconds.items()}
    start = times["python"]["median"]
    beyond = {name: times[name]["median"] - start for name in STATEMENTS if name != "python"}
    publish("import_time", {"seconds": times, "seconds_beyond_python": beyond}, folder=given.out)


if __name__ == "__main__":
    main()
