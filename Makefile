# `make demo` and `make test` set up everything they need by themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test clean environment environment-test environment-jazzy

# The environments here bring their own ROS. What a shell has sourced or inherited from another one must not reach in:
# the wheels' bootstrap, above all, trusts its own mark and then misses the library path.
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE LD_LIBRARY_PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV
unexport AMENT_PREFIX_PATH COLCON_PREFIX_PATH CMAKE_PREFIX_PATH ROS_DISTRO RMW_IMPLEMENTATION
# Neither the demo nor a test is meant for the robots of this network.
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST
# Two tests run at a time, each with processes of its own: their matrices are small, and one thread each is enough.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: environment ## a robot among people, through the real nodes; pictures and numbers go to out/demo
	.venv/bin/sac-son demo --out out/demo

# On Jazzy: what another rclpy can break. Bags are read and written without ROS's code, faults are our own affair, and
# the messages that tools/build_interfaces.py makes for tests do not register with the Fast DDS of Jazzy's wheels.
ONCE := replay recording faults fault_table doctor asking transforms robots_messages
# Where tests start graphs; to look for them in all the others takes ten seconds each time.
GRAPHS := test/nodes test/test_launch.py

test: environment-test environment-jazzy ## style, types, tests; the graph tests on ROS 2 Kilted, the nodes once more on Jazzy
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	@if .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then echo .venv/bin/mypy; .venv/bin/mypy; \
	else echo "types are not checked on Python 3.10: its last NumPy describes arrays in another way"; fi
	.venv/bin/python -m pytest -n 2 --dist worksteal -m "not graph"
	.venv/bin/python -m pytest -n 2 --dist worksteal -m "graph and not alone" $(GRAPHS)
	.venv/bin/python -m pytest -m alone $(GRAPHS)
	@echo "the nodes once more, on ROS 2 Jazzy"
	.venv-jazzy/bin/python -m pytest -n 2 --dist worksteal -m "graph and not alone" $(GRAPHS) $(ONCE:%=--ignore=test/nodes/test_%.py)
	.venv-jazzy/bin/python -m pytest -m alone $(GRAPHS) $(ONCE:%=--ignore=test/nodes/test_%.py)

environment:
	@tools/make-venv .venv requirements/kilted.txt requirements/dev.txt

# The same and what training needs: an environment only grows, so either target can come first.
environment-test:
	@tools/make-venv .venv requirements/kilted.txt requirements/dev.txt requirements/train.txt requirements/torch.txt?

environment-jazzy:
	@tools/make-venv .venv-jazzy requirements/jazzy.txt requirements/test.txt

clean: ## remove the environments and everything that was built
	rm -rf .venv .venv-* build install log out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
