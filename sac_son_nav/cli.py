"""`sac-son`: one command, a verb for each job. Each verb imports what it needs when it is called."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sac_son_nav import __version__
from sac_son_nav.errors import SacSonError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0: done, 1: done and failed (the robot did not arrive), 2: refused, with one sentence why."""
    # Before NumPy comes in with the verbs' options. Matrices are small here: threads would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what the terminal can't show must not end the work
            stream.reconfigure(errors="replace")
    try:
        code = int(options.run(options))
        print(end="", flush=True)  # here a reader who has gone is noticed
        return code
    except SacSonError as error:
        print(f"sac-son: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsac-son: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed
        return 0


# What `sac-son measure` measures: where the function is that does it, and the options that it is given.
MEASURES = {
    "graph": ("sac_son_nav.nodes.measuring", "measure_graph", "scenario seed out robot camera"),
    "core": ("sac_son_nav.evaluation.speed", "measure_core", "scenario seed robot out"),
    "worlds": ("sac_son_nav.evaluation.throughput", "measure_worlds", "out peers"),
    "env": ("sac_son_nav.evaluation.env_speed", "measure_env", "scenario seed robot out"),
    "prediction": ("sac_son_nav.evaluation.prediction_speed", "measure_prediction", "out"),
    "navigation": ("sac_son_nav.evaluation.navigation_speed", "measure_navigation", "out"),
    "expression": ("expressive_motion.nodes.measuring", "measure_expression", "out"),
    "faults": ("sac_son_nav.nodes.faults", "measure_faults", "out only"),
    "soak": ("sac_son_nav.nodes.soaking", "measure_soak", "out hours"),
}


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    about = "Socially unobtrusive navigation and expressive motion for ROS 2."
    more = "Begin with `sac-son demo`. `sac-son VERB --help` tells a verb's options; the pages in docs/ tell the rest."
    top = argparse.ArgumentParser("sac-son", description=about, epilog=more)
    top.add_argument("--version", action="version", version=__version__)
    verbs = top.add_subparsers(required=True, metavar="VERB")
    _demo(verbs)
    _replay(verbs)
    _bringup(verbs)
    _doctor(verbs)
    _express(verbs)
    _simulate(verbs)
    _scenarios(verbs)
    _train(verbs)
    _evaluate(verbs)
    _benchmark(verbs)
    _measure(verbs)
    _explain(top)
    return top


def _explain(parser: argparse.ArgumentParser) -> None:
    """Have every verb's own help begin with what the list of verbs says of it, and tell the defaults it leaves out."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            said = {listed.dest: listed.help for listed in action._choices_actions}
            for name, verb in action.choices.items():
                verb.description = verb.description or said.get(name)
                _explain(verb)
        elif action.option_strings and action.help and "default" not in action.help:
            plain = isinstance(action.default, Path | str | int | float) and not isinstance(action.default, bool)
            if plain and action.default != argparse.SUPPRESS:
                action.help += f" (default: {action.default})"


def _scenario_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--scenario", default="corridor", help="name in config/scenarios, or a file (default: corridor)")
    verb.add_argument("--seed", type=int, default=0, help="of the people and the sensors' noise (default: 0)")
    verb.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")


def _demo(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser(
        "demo", help="drive a simulated robot among people through the ROS 2 nodes, and tell what it did to them"
    )
    _scenario_options(verb)
    verb.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for picture, recording, summary")
    verb.add_argument("--no-recording", action="store_true", help="leave out the MCAP recording")
    beside = "planner that drives beside it, or none (default: %(default)s)"
    verb.add_argument("--baseline", default="dynamic_window", help=beside)

    def run(o: argparse.Namespace) -> int:
        from sac_son_nav.nodes.demo import demo

        return demo(o.scenario, o.seed, o.out, o.robot, not o.no_recording, o.baseline)

    verb.set_defaults(run=run)


def _replay(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("replay", help="play a recorded bag to the same perception and navigation nodes")
    verb.add_argument("bag", type=Path, help="rosbag1 file, or rosbag2 folder or file (sqlite3, MCAP)")
    verb.add_argument("--out", type=Path, default=Path("out/replay"), help="folder for tracks, picture, recording")
    verb.add_argument("--rate", default="max", help="times real time, or max: as fast as nothing is lost (default)")
    verb.add_argument("--scan-topic", help="the bag's laser topic (default: its only one)")
    verb.add_argument("--odom-topic", help="the bag's odometry topic (default: its only one, if any)")
    verb.add_argument("--map-topic", help="the bag's map topic (default: its only one, if any)")
    verb.add_argument("--robot", default="simulated", help="profile whose laser pose on the base is used")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.nodes.replay import replay_bag

        return replay_bag(options)

    verb.set_defaults(run=run)


def _bringup(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("bringup", help="start perception and navigation on a robot, as bringup.launch.py does")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.nodes.bringup import bringup

        return bringup(options)

    from sac_son_nav.nodes.bringup import add_arguments

    add_arguments(verb)
    verb.set_defaults(run=run)


def _doctor(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("doctor", help="say what is wrong with the running ROS graph, and what to do about it")
    verb.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")
    verb.add_argument("--namespace", default="", help="of the robot's nodes (default: none)")
    verb.add_argument("--cmd-vel", default="cmd_vel", help="topic of the velocity command (default: cmd_vel)")
    verb.add_argument("--seconds", type=float, default=4.0, help="how long to listen (default: 4)")
    verb.add_argument("--json", action="store_true", help="for programs")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.nodes.doctor import examine

        return examine(options.robot, options.namespace, options.cmd_vel, options.seconds, options.json)

    verb.set_defaults(run=run)


def _express(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from expressive_motion.express import add_verbs

    add_verbs(verbs)


def _simulate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("simulate", help="run the same navigator in the same world without ROS, over many seeds")
    _scenario_options(verb)
    verb.add_argument("--runs", type=int, default=8, help="seeds from --seed on (default: 8)")
    verb.add_argument("--truth", action="store_true", help="hand out where people truly are, instead of perceiving")
    changing = "a setting of config/navigation.yaml, such as objective.weights.obstacle=80; repeatable"
    verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes", help=changing)
    verb.add_argument("--out", type=Path, help="folder for runs.json")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.runs import simulate

        seeds = range(options.seed, options.seed + options.runs)
        return simulate(options.scenario, seeds, options.robot, options.truth, options.out, options.changes)

    verb.set_defaults(run=run)


def _scenarios(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser(
        "scenarios", help="list the scenarios, draw them, and tell how near people come to a robot in them"
    )
    verb.add_argument("names", nargs="*", metavar="NAME", help="name or file (default: all that are shipped)")
    verb.add_argument("--draw", type=Path, metavar="DIR", help="draw each as DIR/<name>.png, people as in --seed")
    verb.add_argument("--meet", type=int, default=0, metavar="N", help="how near people come to a robot, over N seeds")
    verb.add_argument("--seed", type=int, default=0, help="of the people; the first of --meet (default: 0)")
    verb.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.scenario_cards import scenario_cards

        return scenario_cards(options.names, options.draw, options.meet, options.seed, options.robot)

    verb.set_defaults(run=run)


def _train(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    what = verbs.add_parser("train", help="make the weights of a model from data").add_subparsers(
        required=True, metavar="WHAT"
    )
    from sac_son_nav.training.predictor_verbs import add_training

    add_training(what)
    _train_policy(what)


def _train_policy(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = what.add_parser("policy", help="what the robot proposes to do, in the embedded worlds (needs torch)")
    verb.add_argument("--config", type=Path, required=True, help="file, or name of a file in config/train")
    verb.add_argument("--out", type=Path, required=True, help="folder for run and model; goes on with what it holds")
    verb.add_argument("--data", type=Path, metavar="DIR", help="recordings, to learn among recorded people")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.training.needs import torch_needed

        with torch_needed():
            from sac_son_nav.training.train_policy import train_policy
        return train_policy(options.config, options.out, options.data)

    verb.set_defaults(run=run)

    from sac_son_nav.training.people_verb import add_learning
    from sac_son_nav.training.verbs import add_training

    add_training(what)
    add_learning(what)


def _evaluate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    what = verbs.add_parser("evaluate", help="judge a part against known answers or recordings").add_subparsers(
        required=True, metavar="WHAT"
    )
    from sac_son_nav.evaluation.perception_verbs import add_evaluating

    add_evaluating(what)

    verb = what.add_parser("run", help="every metric and encounter of a run, from the folder of `sac-son replay`")
    verb.add_argument("folder", type=Path, help="folder that `sac-son replay` left")
    verb.add_argument("--robot", default="simulated", help="profile whose radius is used (default: simulated)")
    verb.add_argument("--goal", type=float, nargs=2, metavar=("X", "Y"), help="where the robot was to go [m]")
    verb.add_argument("--map", type=Path, help="map_server YAML of the plan, in the frame of the tracks")
    verb.add_argument("--out", type=Path, help="JSON file for the figures")

    def judge(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.judge_replay import judge_replay

        return judge_replay(options.folder, options.robot, options.goal, options.map, options.out)

    verb.set_defaults(run=judge)
    from sac_son_nav.training import predictor_verbs

    predictor_verbs.add_evaluation(what)
    _evaluate_crowds(what)
    _evaluate_crowdnav(what)

    from expressive_motion.evaluation.verbs import add_verbs
    from sac_son_nav.training.verbs import add_evaluation

    add_evaluation(what)

    add_verbs(what)


def _evaluate_crowds(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = what.add_parser("crowds", help="the laws of walking against their known answers and published curves")
    verb.add_argument("--out", type=Path, default=Path("out/crowds"), help="folder for crowds.json and crowds.png")

    def run(options: argparse.Namespace) -> int:
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        from sac_son_nav.evaluation.crowds import measure_crowds

        return measure_crowds(options.out)

    verb.set_defaults(run=run)


def _evaluate_crowdnav(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = what.add_parser("crowdnav", help="the published CrowdNav test on our laws of walking")
    robots = ("orca", "social_force", "moussaid", "sac_son", "sac_son_turning")
    verb.add_argument("--robot", choices=robots, default="orca", help="law by which the robot steers (default: orca)")
    verb.add_argument("--episodes", type=int, default=500, help="default: 500")
    cases = "the published ones, each second case and over again (default), or each a case of its own"
    verb.add_argument("--cases", choices=("published", "distinct"), default="published", help=cases)
    people = "with bodies, speeds and goals of their own that change, or all alike (default: as in the robot's log)"
    verb.add_argument("--people", choices=("randomised", "alike"), help=people)
    verb.add_argument("--foresight", type=int, default=0, metavar="STEPS", help="people's true future as more bodies")
    verb.add_argument("--share", type=float, default=0.5, help="of an evasion that an ORCA robot makes (default: 0.5)")
    verb.add_argument("--robot-seen", action="store_true", help="people see the robot")
    verb.add_argument("--radii-renewed", action="store_true", help="ORCA learns how large a body is whenever it looks")
    verb.add_argument("--intrusions", action="store_true", help="into where people will be in five steps, too")
    changed = "of sac_son changed from config/crowdnav.yaml; may be given again"
    verb.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes", help=changed)
    many = "processes for sac_son, each of which takes some of the cases (default: 1)"
    verb.add_argument("--workers", type=int, default=1, metavar="N", help=many)
    verb.add_argument("--seed", type=int, help="default: the published one")
    verb.add_argument("--log", type=Path, help="a published log, to compare episode by episode")
    verb.add_argument("--out", type=Path, default=Path("out/crowdnav"), help="folder for crowdnav.json")

    def run(options: argparse.Namespace) -> int:
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        from sac_son_nav.evaluation.crowdnav import crowdnav

        return crowdnav(options)

    verb.set_defaults(run=run)


def _benchmark(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("benchmark", help="planners against each other, over scenarios, people and seeds")
    several: dict[str, Any] = {"nargs": "+", "action": "extend", "metavar": "NAME"}
    more = "oracle:WEIGHT, ds_rnn:PATH, sac_son:WORD and NAME:perceived too"
    verb.add_argument("--planner", **several, help=f"one or more; {more} (default: all but these)")
    verb.add_argument("--scenario", **several, help="names in config/scenarios, or files (default: all with people)")
    verb.add_argument("--humans", **several, help="laws by which people walk (default: social_force)")
    verb.add_argument("--seeds", type=int, metavar="N", help="seeds 0 to N - 1 (default: 20)")
    verb.add_argument("--robot", default="simulated", help="name in config/robots, or a file (default: simulated)")
    verb.add_argument("--data", type=Path, metavar="DIR", help="recordings, for scenarios of recorded people")
    verb.add_argument("--out", type=Path, default=Path("out/benchmark"), help="folder for results and report")
    pair = "difference of two planners; without any of the above, of results that --out holds already"
    verb.add_argument("--compare", nargs=2, metavar=("A", "B"), help=pair)
    verb.add_argument("--jobs", type=int, metavar="N", help="processes (default: one for each core)")
    verb.add_argument("--backend", choices=("loky", "dask", "ray"), default="loky", help="default: loky, this machine")
    verb.add_argument("--scheduler", metavar="ADDRESS", help="of a running Dask or Ray cluster")

    def run(options: argparse.Namespace) -> int:
        from sac_son_nav.evaluation.workers import ONE_THREAD, Workers

        os.environ.update(ONE_THREAD)  # before NumPy is imported
        from sac_son_nav.evaluation import benchmark

        compare = tuple(options.compare) if options.compare else None
        chosen = (options.planner, options.scenario, options.humans, options.seeds)
        if compare and all(given is None for given in chosen):
            return benchmark.report(options.out, compare, options.data)
        wanted = benchmark.chosen(*chosen, options.robot, options.data)
        return benchmark.benchmark(
            wanted, options.out, Workers(options.jobs, options.backend, options.scheduler), compare
        )

    verb.set_defaults(run=run)


def _measure(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verb = verbs.add_parser("measure", help="time the nodes and their parts, try faults on them, and drive for hours")
    what = "graph: the running nodes; core: their parts without ROS; worlds: batches of worlds; env: environments for "
    what += "training; prediction: the predictors; navigation: a control step in each mode; expression: its node; "
    what += "faults: every fault on the running nodes; soak: hours of driving"
    verb.add_argument("what", choices=MEASURES, help=what)
    verb.add_argument("--hours", type=float, default=8.0, help="with soak: of the world's time (default: 8)")
    only = "with faults: a group or the beginning of a name; repeatable"
    verb.add_argument("--only", action="append", default=[], metavar="NAME", help=only)
    verb.add_argument("--peers", action="store_true", help="with worlds: beside PySocialForce and RVO2, if installed")
    verb.add_argument("--camera", action="store_true", help="with graph: a camera as well, 640 x 480 at 30 Hz")
    _scenario_options(verb)
    verb.add_argument("--out", type=Path, default=Path("out/measure"), help="folder for the figures as JSON")

    def run(options: argparse.Namespace) -> int:
        module, function, given = MEASURES[options.what]
        if ".nodes." not in module:  # one core: what is timed is not to share itself out
            os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        return int(getattr(import_module(module), function)(*(getattr(options, name) for name in given.split())))

    verb.set_defaults(run=run)


if __name__ == "__main__":
    sys.exit(main())
