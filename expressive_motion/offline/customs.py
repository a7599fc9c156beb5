"""Which custom stands behind an intent, and what a person would do: the offline model's social reasoning in words."""

from __future__ import annotations

DEFAULT = ("What is asked for is shown plainly and once, so that it is not misread.", "A person would just do it.")

CUSTOMS: dict[str, tuple[str, str]] = {
    "nod": ("A nod says yes, or that one has heard.", "A person nods once or twice, with the head going down first."),
    "shake": ("A shake of the head says no.", "A person turns the head left and right a few times."),
    "greet": (
        "Whoever meets somebody looks at them and greets, so that they know they are welcome.",
        "A person looks at the other, smiles, nods and says hello.",
    ),
    "goodbye": ("One sees others off with a look and a word.", "A person looks at them, nods and says goodbye."),
    "wave": ("A wave greets from afar.", "A person lifts a hand and moves it from side to side."),
    "acknowledge": (
        "Somebody near expects a sign that they were noticed, and it should neither stop nor startle them.",
        "A person looks at them for a moment, nods slightly and lets them go on.",
    ),
    "attention": (
        "Whoever is spoken to looks at the speaker, stays, does not interrupt, and nods now and then.",
        "A person turns to the speaker, keeps looking at them and nods now and then.",
    ),
    "listen": ("Listening is shown by looking and keeping still.", "A person looks at the speaker and keeps quiet."),
    "wake": (
        "Whoever is called should answer within a moment, so that the caller knows they were heard.",
        "A person raises the head, opens the eyes, looks at the caller and nods.",
    ),
    "excuse": (
        "One asks to pass instead of pushing, with a polite word, from a distance and with time to react.",
        'A person stops at a distance, catches the other\'s eye, says "excuse me" and waits.',
    ),
    "let_pass": ("Whoever gives way makes room first and waits.", "A person steps back, looks at the other and nods."),
    "space": ("People need room around them.", "A person takes a step back."),
    "apologise": (
        "An apology is small and serious: lowered, slow, and said once.",
        "A person looks at the other, lowers the head and says sorry.",
    ),
    "mistake_small": (
        "A mistake that can be put right asks for a short sign of regret and then for confidence, not for drama.",
        "A person winces, lowers the head for a moment, says sorry, looks up again and goes on with a nod.",
    ),
    "mistake_bad": (
        "A mistake that can't be put right asks for regret that takes its time and does not hurry on.",
        "A person lowers the head, shakes it slowly and says how sorry they are.",
    ),
    "approach": (
        "Whoever is called shows that they heard, comes without haste, and stops at arm's length or more.",
        "A person nods, walks over and stops a step in front of the other.",
    ),
    "follow": (
        "Whoever follows keeps a step behind, neither too near nor lost, and says so if they can't keep up.",
        "A person nods, walks behind the other and calls to slow down when falling back.",
    ),
    "teach": (
        "Whoever is shown something comes, watches what is done, and confirms that it was understood.",
        "A person walks over, watches, nods now and then and says thank you at the end.",
    ),
    "invite": ("An invitation shows the way and leaves the choice.", "A person looks at the other and beckons."),
    "point": ("One points by looking there and back, so that others follow the look.", "A person points and looks."),
    "say": ("A sentence is said once, clearly.", "A person says it."),
    "sad": ("Sadness is slow and low.", "A person lowers the head and moves slowly."),
    "joy": ("Joy is quick, bright and high.", "A person smiles and moves lightly."),
    "comfort": (
        "Somebody who is unwell needs quiet closeness and no hurry.",
        "A person looks at them, bows a little and speaks softly.",
    ),
    "thank": (
        "Thanks are looked and said, briefly.",
        "A person looks at the other, bows slightly and says thank you.",
    ),
    "refuse": ("A refusal is clear and kind.", "A person shakes the head and says why."),
    "confused": ("Whoever does not understand shows it soon.", "A person tilts the head and looks from side to side."),
    "think": ("Whoever needs time shows it, so that nobody waits in doubt.", "A person looks up and pauses."),
}
"""By intent: the norm, and what a person would do."""
