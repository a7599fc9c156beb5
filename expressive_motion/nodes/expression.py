"""The expression node: instructions, feedback and social events in; head, light, sound, speech and
`cmd_vel_expression` out.

A lifecycle node that configures and activates itself unless `autostart` is false. It steps one performance every TICK;
the chain of language model, check and rehearsal runs in a thread of its own, while the robot shows that it has heard.
Events are answered with behaviours that are ready. The base moves as far as navigation lends it, and never on what is
too old.
"""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_msgs.msg import String
from std_srvs.srv import Trigger

from expressive_motion.bans import forbidden_in
from expressive_motion.events import Reactions, ReactionsConfig, Steps, filler
from expressive_motion.nodes.outlets import Outlets
from expressive_motion.nodes.senses import Senses
from expressive_motion.nodes.stage import FILLER, Stage
from expressive_motion.nodes.telling import Teller, situation
from expressive_motion.nodes.thinking import Thinker, Thought
from expressive_motion.programs.sandbox import Sandbox
from expressive_motion.robot import describe
from expressive_motion.skills.embodiment import LIGHT_OFF, TICK, Outputs
from sac_son_nav.errors import ConfigError, MessageError, SacSonError
from sac_son_nav.nodes import conversions, runtime
from sac_son_nav.nodes.diagnostics import ERROR, OK, WARN, from_social_events
from sac_son_nav.nodes.observing import FreshnessConfig
from sac_son_nav.states import STOP, Command, SocialEvent

if TYPE_CHECKING:
    from expressive_motion.behaviour import Behaviour
    from expressive_motion.library import Library
    from expressive_motion.pipeline import Pipeline

LONGEST_INSTRUCTION = 500  # characters


@dataclass(frozen=True)
class ExpressionConfig:
    """What only the node knows about."""

    autostart: bool = True  # configure and activate without being told
    model: str = "offline"  # offline, a name in config/models.yaml, recorded:FILE, or ADDRESS#MODEL
    library: str = ""  # folder of saved behaviours; empty: none
    approve_automatically: bool = False  # perform what was rehearsed without waiting for expression/approve
    voice: str = "auto"  # auto: aloud where espeak-ng is installed; topic: on expression/speech alone
    fill: bool = True  # show that an instruction was heard, while the model thinks

    def __post_init__(self) -> None:
        if self.voice not in ("auto", "topic"):
            raise ConfigError(f"voice: expected auto or topic, got {self.voice!r}")


class ExpressionNode(LifecycleNode):
    """Declare, convert, step the stage, convert, publish. Its callbacks come one after another."""

    def __init__(self) -> None:
        super().__init__("expression")
        self.robot = runtime.declare_robot(self)
        self.settings = runtime.declare_settings(self, ExpressionConfig())
        freshness = runtime.declare_settings(self, FreshnessConfig(localisation="odometry"))
        reactions = runtime.declare_settings(self, ReactionsConfig(), "reactions.")
        runtime.refuse_unknown_parameters(self)
        self.description = describe(self.get_parameter("robot").value)
        self.senses = Senses(self, self.robot, freshness)
        self.reactions, self.stage = Reactions(reactions), Stage(self.description)
        self.sandbox = Sandbox(workers=1)
        self.library = self._open_library()
        self.thinker = Thinker(self._make_pipeline, self.description, self.sandbox)
        self._active, self._base_free = False, False
        self._sent, self._light = STOP, LIGHT_OFF
        self._question, self._thinking_stage = 0, ""  # number of the last one asked, and how far it has come
        self._programs: dict[str, str] = {}  # what answers events, by name
        self._learned: Mapping[str, str] = {}  # code of saved behaviours, by name
        self._behaviour: Behaviour | None = None  # the last that was made
        self._waiting = False  # for approval of it
        self.outlets = Outlets(self, self.description, self.settings.voice)
        self.teller = Teller(self)
        self._make_topics()
        # The steps follow a clock that always runs: a program must end even while simulated time stands still.
        self._timer = self.create_timer(TICK, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _make_topics(self) -> None:
        stamped = self.robot.enable_stamped_cmd_vel
        kind = TwistStamped if stamped else Twist
        self._command = self.create_publisher(kind, "cmd_vel_expression", runtime.RELIABLE)
        make, reliable = self.create_subscription, runtime.RELIABLE
        make(DiagnosticArray, "social_events", self._on_events, reliable)
        make(String, "expression/instruction", self._on_instruction, reliable)
        make(String, "expression/feedback", self._on_feedback, reliable)
        self.create_service(Trigger, "expression/stop", self._on_stop)
        self.create_service(Trigger, "expression/approve", self._on_approve)

    def _open_library(self) -> Library | None:
        if not self.settings.library:
            return None
        from expressive_motion.library import Library

        return Library(Path(self.settings.library))

    def _make_pipeline(self) -> Pipeline:
        """In the thinker's thread, at the first question: what it imports is large."""
        from expressive_motion.models import make_model
        from expressive_motion.pipeline import Pipeline

        model = make_model(self.settings.model, self.description, self.library)
        return Pipeline(model, self.description, self.sandbox, self.library)

    def _read_library(self) -> None:
        """What has been saved since it was last read; what can't be read is told."""
        if self.library is not None:
            self._learned = self.library.learned(self.description)
            for complaint in self.library.complaints():
                self.get_logger().warning(complaint)

    # -- lifecycle ----------------------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make ready what answers events, in the thinker's thread."""
        self._read_library()
        self.thinker.prepare(self.reactions.config, self._learned)
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From now on the robot expresses itself."""
        self._active = True
        self.teller.stage("idle", "waiting for an instruction or an event")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Everything ends, the base first."""
        self._stop("the node is not active any more")
        self._active = False
        self.teller.stage("inactive", "not active")
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """As deactivation."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Leave the base standing, the light as it was, and nobody at work."""
        if self._active:
            self._stop("the node ends")
        self._active = False
        self.thinker.close()
        self.sandbox.close()

    # -- what is asked ------------------------------------------------------------------------------------------

    def _on_instruction(self, message: String) -> None:
        text = " ".join(message.data.split())
        if not self._active or not text or len(text) > LONGEST_INSTRUCTION:
            why = f"expected 1 to {LONGEST_INSTRUCTION} characters, got {len(text)}" if self._active else "not active"
            self.teller.stage("refused", f"instruction: {why}", level=WARN)
            return
        forbidden = forbidden_in(text)
        known = self._known(text, forbidden)
        if known is not None:  # it was made, rehearsed and kept before: no model is asked again
            self._question += 1
            self.thinker.forget(self._question)
            self._behaviour = known
            self._approve()
            return
        self._ask(text, forbidden)
        self.thinker.express(self._question, text, situation(self.senses.view()), forbidden)

    def _known(self, text: str, forbidden: frozenset[str]) -> Behaviour | None:
        """The saved behaviour of that name, or made for the same words; only one that was rehearsed for this robot."""
        if self.library is None:
            return None
        self._read_library()
        known = self.library.get(text) if text in self._learned else None
        known = known or self.library.find(text, self.robot.name, forbidden)
        return known if known is not None and known.robot == self.robot.name else None

    def _on_feedback(self, message: String) -> None:
        text = " ".join(message.data.split())
        if not self._active or self._behaviour is None or not 0 < len(text) <= LONGEST_INSTRUCTION:
            self.teller.stage("refused", "feedback: expected a behaviour to change and a text, got none", level=WARN)
            return
        self._ask(text, frozenset(self._behaviour.forbidden))
        self.thinker.revise(self._question, self._behaviour, text)

    def _ask(self, text: str, forbidden: frozenset[str]) -> None:
        """A question to the model is under way: say so, and show it."""
        self._question += 1
        self._waiting = False
        self.stage.cancel("something else is asked for")
        self.teller.stage("thinking", f"thinking about: {text}", instruction=text)
        if self.settings.fill:
            self.stage.perform(filler(self.description, forbidden), FILLER, FILLER, -1, None, forbidden)
        self._tick()

    def _take(self, thought: Thought) -> None:
        """An answer has come; one to an older question is no answer any more."""
        if thought.number != self._question:
            return
        if self.stage.piece is not None and self.stage.piece.kind == FILLER:
            self.stage.cancel("thought of something")
        behaviour = thought.behaviour
        if behaviour is None:
            self.teller.stage("failed", thought.complaint, level=ERROR)
            return
        if behaviour.refusal or behaviour.program is None:
            self._say(behaviour.refusal, frozenset(behaviour.forbidden))
            self.teller.stage("refused", behaviour.refusal or "no program came of it", level=WARN)
            return
        self._behaviour = behaviour
        told: dict[str, Any] = {
            "behaviour": behaviour.name,
            "summary": behaviour.summary,
            "verdict": behaviour.verdict,
        }
        if behaviour.verdict != "fit":
            self.teller.stage("unfit", "; ".join(behaviour.findings[:3]), level=WARN, **told)
            return
        self._waiting = True
        self.teller.stage("rehearsed", f"waits for approval: {behaviour.summary}", **told)
        if self.settings.approve_automatically:
            self._approve()

    def _on_approve(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._active and self._waiting
        response.message = self._approve() if response.success else "nothing waits for approval"
        return response

    def _approve(self) -> str:
        behaviour, self._waiting = self._behaviour, False
        assert behaviour is not None
        rank, forbidden = self.reactions.config.instructed, frozenset(behaviour.forbidden)
        self._perform(behaviour.name, behaviour.code, "instruction", rank, None, forbidden)
        return f"performs {behaviour.name}"

    def _say(self, sentence: str, forbidden: frozenset[str]) -> None:
        """Tell the person why not, if the robot may and can speak."""
        if sentence and "say" in self.description.skills and "speech" not in forbidden:
            call = self.description.check("say", (sentence[:160],))
            self.stage.perform(Steps([call]), FILLER, FILLER, -1, None, forbidden)

    def _on_events(self, message: DiagnosticArray) -> None:
        if not self._active:
            return None
        try:
            events = from_social_events(message)
        except MessageError as error:
            return self.get_logger().warning(str(error))
        event = self.reactions.choose(events, time.monotonic(), self.stage.rank)
        if event is not None:
            self._answer(event)
        return None

    def _answer(self, event: SocialEvent) -> None:
        reaction = self.reactions.config.of(event.kind)
        code = self._programs.get(reaction.behaviour)
        if code is not None:
            self._perform(reaction.behaviour, code, "event", reaction.rank, event.person, event=event.kind)
        else:
            self.reactions.hold(event, time.monotonic())

    def _on_stop(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._stop("stopped on request")
        response.success, response.message = True, "everything is stopped"
        return response

    def _stop(self, reason: str) -> None:
        """The base first, then everything else; whatever is being thought about is forgotten."""
        self._send(STOP)
        self._question += 1
        self.thinker.forget(self._question)
        self._waiting = False
        self.stage.cancel(reason)
        self.outlets.silence()
        self._tick()
        self.teller.stage("idle", reason)

    # -- performing ---------------------------------------------------------------------------------------------

    def _perform(
        self,
        name: str,
        code: str,
        kind: str,
        rank: int,
        person: int | None = None,
        forbidden: frozenset[str] = frozenset(),
        event: str = "",
    ) -> None:
        """Begin a program now: its first skill begins within this call."""
        try:
            session = self.sandbox.start(code, self.description, self._learned)
        except SacSonError as error:
            self.teller.stage("failed", str(error), level=ERROR, behaviour=name)
            return
        self.stage.perform(session, name, kind, rank, person, forbidden)
        self.stage.ended = None
        self._tick()
        self.teller.stage("performing", f"performs {name}", behaviour=name, event=event, kind=kind)

    def _tick(self) -> None:
        """One step, and whatever has come from the thinker."""
        if not self._active:
            return
        self._listen()
        try:
            view = self.senses.view()
            outputs = self.stage.step(view)
        except BaseException:
            self._send(STOP)
            raise
        self._put_out(outputs, view.time_s)
        piece, self.stage.ended = self.stage.ended, None
        if piece is not None and piece.kind != FILLER:
            done = piece.performance
            level = ERROR if done.state == "failed" else OK
            self.teller.stage(done.state, f"{piece.name}: {done.reason}", level=level, behaviour=piece.name)

    def _listen(self) -> None:
        """Take what the thinker has finished."""
        try:
            while True:
                ready = self.thinker.ready.get_nowait()
                if ready.complaint:
                    self.get_logger().warning(ready.complaint)
                else:
                    self._programs[ready.name] = ready.code
                    held = self.reactions.held(ready.name, time.monotonic(), self.stage.rank)
                    if held is not None:
                        self._answer(held)
        except queue.Empty:
            pass
        try:
            while True:
                self._take(self.thinker.thoughts.get_nowait())
        except queue.Empty:
            pass
        if self.thinker.stage != self._thinking_stage:
            self._thinking_stage = self.thinker.stage
            if self.teller.name == "thinking" and self._thinking_stage:
                self.teller.stage("thinking", f"thinking: {self._thinking_stage.replace('_', ' ')}")

    def _put_out(self, outputs: Outputs | None, time_s: float) -> None:
        """The body's orders; the base's are sent while it moves, and once more to stop it."""
        command = outputs.command if outputs is not None else STOP
        if command != STOP or self._sent != STOP:
            self._send(command)
        stamp = self.get_clock().now().to_msg()
        if outputs is not None:
            self._light = outputs.light
            if outputs.head is not None:
                self.outlets.turn_head(outputs.head, stamp)
            for utterance in outputs.utterances:
                self.outlets.utter(utterance, time_s)
        else:
            self._light = LIGHT_OFF
        self.outlets.show_light(self._light, time_s)
        piece = self.stage.piece
        call = piece.performance.call if piece is not None else None
        self.teller.call(piece.name if piece is not None and piece.running else "", str(call or ""))
        self.outlets.picture(self._light, self.teller.sentence, time_s, stamp)

    def _send(self, command: Command) -> None:
        self._sent = command
        if self.robot.enable_stamped_cmd_vel:
            stamp = self.get_clock().now().to_msg()
            self._command.publish(conversions.to_twist_stamped(command, stamp, self.robot.base_frame))
        else:
            self._command.publish(conversions.to_twist(command))


def make() -> ExpressionNode:
    """The node, active unless `autostart` is false."""
    node = ExpressionNode()
    if node.settings.autostart:
        node.trigger_configure()
        node.trigger_activate()
    return node


def main() -> None:
    """Entry point of `expression_node`."""
    sys.exit(runtime.run(make))


if __name__ == "__main__":
    main()
