"""What one pick of LiteLLM's Router costs: prints a line of JSON for each size.

    python litellm.py SIZES ROUNDS
"""

import asyncio
import json
import logging
import os
import sys
import time

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # No question to the network.
# This file's own name must not stand before the package's.
sys.path = [folder for folder in sys.path if os.path.abspath(folder or ".") != os.path.dirname(os.path.abspath(__file__))]
import litellm

litellm.suppress_debug_info = True
logging.getLogger("LiteLLM Router").setLevel(logging.CRITICAL)
from litellm import Router


def figure(times):
    times = sorted(times)
    return {"min": times[0], "median": times[len(times) // 2]}


async def main(sizes, rounds):
    messages = [{"role": "user", "content": "hello"}]
    for size in sizes:
        models = [
            {
                "model_name": "gpt-5",
                "litellm_params": {"model": "openai/gpt-5", "api_key": f"sk-bench-{n:08}", "api_base": f"http://127.0.0.1:9/{n}"},
                "model_info": {"id": str(n)},
            }
            for n in range(size)
        ]
        router = Router(model_list=models, routing_strategy="simple-shuffle", num_retries=0, set_verbose=False)
        count = max(5, 2_000 // size)
        times = []
        for _ in range(rounds):
            started = time.perf_counter_ns()
            for _ in range(count):
                await router.async_get_available_deployment(model="gpt-5", request_kwargs={}, messages=messages)
            times.append((time.perf_counter_ns() - started) / count)
        print(json.dumps({"size": size, "theirs": figure(times)}), flush=True)


asyncio.run(main([int(size) for size in sys.argv[1].split(",")], int(sys.argv[2])))
