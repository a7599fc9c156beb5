"""The words of the offline model: which phrases of an order mean which intent, and which reports call for which.

Patterns see lower-case text with contractions written out; `q0q` stands for the first thing in quotation marks.
"""

from __future__ import annotations

import re

_P = (
    r"(?:them|him|her|me|us|somebody|someone|everybody|everyone|whoever(?: \w+s)?|people|(?:(?:the|a|an|that"
    r"|this|any|every|each"
    r"|your|my|our) )?(?:\w+ )?(?:person|persons|man|woman|child|kid|visitors?|guests?|user|passer-?by|colleagues?"
    r"|friends?|human|customers?|patients?|staff|speaker|owner|teacher|pedestrians?|neighbou?rs?|lady|gentleman"
    r"|students?|nurse|boy|girl|family|group|one who|crowd|other|others))"
)
_W = r"(?: \w+){0,3}?"
_D = r"(?:left|right|ahead|forwards?|backwards?|back|straight|up|down|upwards?|downwards?|aside|sideways)"
_FEEL = r"(?:be|look|seem|appear|act|feel|show|express|display|pretend|are|you)"

INTENTS: dict[str, str] = {
    "ask_slow": r"slow(?:s|ing)? down|(?:ask|tell|beg)\w* .*\b(?:slow(?:er|ly)?|wait for you)",
    "excuse": (
        r"(?:get|ask|make|have|request|beg|bring)\w*(?: \w+){0,3} to (?:let you|make (?:way|room)|(?:move|step|go|get)"
        r" (?:aside|out|away|over))|excuse yourself|get past|ask(?:ing)? (?:to pass|for (?:way|room|space))"
        r"|(?:ask|get) \w+ to clear|pass by them|get through|let you (?:pass|by|through|go by)"
    ),
    "let_pass": (
        rf"let(?:ting)? {_P} (?:pass|by|through|go|walk)|(?:give|make)(?: \w+)? (?:way|room)|yield"
        r"|get out of (?:the|their) way|clear the way|step aside|after you(?! \w)|give priority"
    ),
    "space": r"(?:give|leave) \w+ (?:\w+ )?(?:space|room)|keep (?:your|a|some|more) distance",
    "acknowledge": (
        r"acknowledg\w*|(?:show|signal|express|indicate|do) (?:it|this|that|so)\b(?! to)|let (?:them|people"
        r"|everybody) know$"
        r"|react(?:ing)?|respond\w*|recogni[sz]e|take notice"
        r"|let \w+ know(?: that)? you (?:\w+ )?(?:saw|see"
        r"|noticed|notice|heard)|show\w*(?: \w+){0,2}?(?: that)? you (?:have |had )?(?:notice|seen|saw|see"
        r"|heard|hear)\w*"
    ),
    "understand": (
        r"(?:show|signal|indicate|say|confirm)\w*(?: \w+)?(?: that)? you (?:have |had )?(?:understood"
        r"|understand|got it"
        r"|learned|learnt)|(?:show|signal) (?:your )?understanding"
    ),
    "confused": (
        r"confus(?:ed|ion)|doubt\w*|hesitat\w+|puzzle[dm]\w*|perplexed|baffled|(?:do|did"
        r"|have) not (?:understand|understood|get it|know)"
        rf"|{_FEEL} (?:\w+ )?(?:unsure|uncertain)|uncertainty|shrug\w*|at a loss"
    ),
    "wake": r"wak(?:e|ing) ?up|awake\w*|wake\b|come alive|boot up",
    "listen": r"listen\w*|attentive|attention to what",
    "attention": r"pay\w* attention|attend to|concentrate on|focus on|keep (?:an )?eyes? on|observe|watch(?:ing)?\b",
    "attract": r"(?:get|draw|call|catch|attract)\w*(?: [\w']+){0,2} attention|alert\b|make yourself (?:noticed"
    r"|known)|warn\w*",
    "goodbye": r"good ?-?bye|bye\b|farewell|take (?:your )?leave|see .* off|part(?:ing)? from",
    "thank": r"thank\w*|gratitude|grateful|appreciation",
    "apologise": (
        r"apolog\w+|say (?:that you are )?sorry|(?:are|be|feel|look) sorry|ask (?:\w+ )?(?:for )?(?:forgiveness"
        r"|pardon)"
        r"|regret\w*|remorse\w*|sorry"
    ),
    "hope": r"(?:will )?do better|put (?:it|that|things) right|try again|make (?:it|that|things) right|promise to",
    "comfort": rf"comfort\w*|consol\w*|cheer {_P} up|cheer up|reassur\w+|sympath\w+|empath\w+|calm {_P}|compassion\w*",
    "congratulate": r"congratulat\w+|prais(?:e|ing)|applau\w+|clap\w*|compliment\w*|well done|encourag\w+|motivat\w+",
    "celebrate": r"celebrat\w+|cheer\b|victory|hooray|success\w*|triumph\w*|(?:task|job|work) (?:is )?(?:done"
    r"|finished)",
    "invite": (
        r"invit\w+(?: \w+)? to \w+(?: (?:you|in|along|with you))?|invit\w+|beckon\w*|(?:ask|tell"
        r"|get)\w* \w+ (?:\w+ )?to (?:come|follow|join)|call (?:them|him|her"
        r"|somebody) over"
        r""
    ),
    "help": r"offer(?:ing)?(?: \w+){0,2} (?:help|assistance|support|hand)|ask(?: \w+)? (?:if|whether) .*help",
    "ask_help": r"(?:ask|call|signal|beg)\w*(?: \w+){0,2}? (?:for )?(?:help|assistance)|need help|seek help",
    "greet": rf"greet\w*|welcom\w+|say (?:hello|hi|hey|good (?:morning|day|evening|afternoon))|hello|salut\w+"
    rf"|introduc\w+ yourself|receive {_P}",
    "wave": r"wav(?:e|ing)(?: your (?:hand|arm)s?)?",
    "point": r"point(?:ing)?\b|(?:indicate|show)\w*(?: \w+){0,2} (?:the )?(?:way|direction|where|exit|door|left|right)"
    r"|indicat\w+|direct \w+",
    "look_around": (
        r"look(?:ing)? (?:all )?(?:around|about|round|both ways|in (?:all|every|both) directions?"
        r"|left and right|everywhere"
        r"|for \w+)|scan\w*|search\w*|survey|look to (?:the|your) left and"
    ),
    "look_away": r"(?:look|glance|gaze|turn)(?:ing)? away|avert\w*",
    "look_person": (
        rf"(?:look|glance|gaz|star|peek|fac|turn|watch)(?:e|es|ing)?(?: \w+)?(?: (?:at|to|towards?|up at|in))?"
        rf"(?: the)?(?: \w+ of)? {_P}|(?:eye|visual) contact|seek (?:their|the) (?:eyes|gaze)"
        rf"|keep (?:your )?(?:eyes|gaze|looking) (?:on|at) {_P}|follow {_P} with your (?:eyes|gaze|head)"
        rf"|orient\w* (?:yourself )?(?:to|towards) {_P}|track(?:ing)? {_P}"
    ),
    "head": rf"(?:tilt|rais|low|lift|turn|mov|hang|drop|cock|bend)\w*(?: up| down)? (?:your |the )?head(?: {_D})?",
    "look": rf"(?:look|glance|gaze|peek|stare)(?:ing)?(?: \w+){{0,2}}? (?:{_D}|floor|ground|ceiling|sky|front)",
    "shake": r"shak(?:e|es|ing)(?: (?:your|the) head)?(?! hands)|say(?:ing)? no\b|head-?shak\w+|wag your head"
    r"|nod no\b",
    "nod": r"nod(?:s|ding|ded)?\b|say(?:ing)? yes|bob(?:bing)? your head|dip your head",
    "agree": r"agree\w*|approv\w+|confirm\w*|accept\w*|affirm\w*|consent\w*|say ok(?:ay)?|yes\b",
    "refuse": r"refus\w+|declin\w+|reject\w*|disagree\w*|disapprov\w+|deny|denying|turn (?:it|them|that) down|no\b$",
    "bow": r"bow(?:s|ing)?\b|curtse?y|kneel",
    "dance": r"danc\w+|groov\w+|boogie|waltz|sway\w*",
    "count": r"count(?:s|ing)?\b",
    "think": r"think\w*|ponder\w*|consider\w*|contemplat\w*|comput\w+|reflect(?:ing)?|deliberat\w+|process(?:ing)?",
    "sleep": r"asleep|dormant|(?:go to |fall a?)?sleep\b|doze|rest\b|power down|nap\b|take a nap|go dormant",
    "follow": rf"follow(?:ing)?(?: (?:after )?{_P})?|accompan\w+|(?:go|come|walk|drive|tag) along|keep up"
    rf"|stay with {_P}|(?:walk|drive|go) (?:behind|after|with) {_P}",
    "approach": (
        rf"approach\w*|come (?:here|over|closer|near(?:er)?|up to|to)"
        rf"|(?:go|drive|move|roll|walk|head|get|run|ride)(?: \w+)? (?:up )?(?:over )?to(?:wards?)? {_P}"
        rf"|(?:go|move|get|drive|roll|come) (?:a (?:bit|little) )?(?:closer|near(?:er)?)"
        rf"|join {_P}|visit {_P}|meet {_P}|go over"
    ),
    "back": (
        r"(?:back|step|mov|driv|go|roll|retreat|shuffl)\w*(?: a (?:bit|little"
        r"|step))?(?: up)? (?:back(?:wards?)?|away|off)\b"
        r"|back (?:up|off|away)|retreat\w*|revers(?:e|ing)|withdraw\w*|keep away|recoil\w*"
    ),
    "square": r"(?:drive|make|draw|do|move|go|trace)(?: \w+){0,3} (?:square|triangle|circle|figure)\b",
    "wiggle": r"wiggl\w+|wobbl\w+|shimmy|waggl\w+|swing\w*|jiggl\w+|twitch\w*|shiver\w*|trembl\w+|wag\w* your tail",
    "rock": r"rock(?:s|ing)?\b",
    "turn": r"(?:turn|rotat|spin|pivot|swivel|twirl|pirouett|whirl)(?!\w* (?:on|off|(?:your |the )?(?:\w+ )?"
    r"(?:lights?|lamps?|leds?|ring)|(?:\w+ )?(?:red|green|blue|yellow|orange|purple|white|violet|amber))\b)\w*"
    r"(?: (?:right|left|around|round))?"
    r"|quarter turn|half turn|full turn|u-turn|face (?:left|right|back\w*|the other)",
    "move": r"(?:driv|mov|go|roll|advanc|travel|inch|creep|proceed|walk|run|step|slide|com)(?:e|es|ing|ce|cing)?\b",
    "light_off": r"(?:switch|turn|put)(?:ing)? (?:off |out )?(?:your |the )?(?:lights?|lamps?|leds?)(?: off"
    r"| out)?(?<!lights)"
    r"(?<!light)(?<!lamp)(?<!led)|(?:switch|turn|put) (?:off|out) (?:your |the )?(?:lights?|lamps?|leds?)",
    "light": (
        r"lights?\b|light up|lamps?\b|leds?\b|glow\w*|blink\w*|flash\w*|puls(?:e|es|ing|ate)|shin(?:e|ing)|flicker\w*"
        r"|(?:turn|go|become|show|be) (?:red|green|blue|yellow|orange|purple|white|violet|pink|amber)|ring\b"
        r"|breathe"
    ),
    "tone": (
        r"beep\w*|tones?\b|sounds?\b|chim(?:e|es|ing)|buzz\w*|whistl\w+|sing\w*|hum(?:ming)?\b|honk\w*|jingle"
        r"|melody|music"
        r"|chirp\w*|ding\b|noise"
    ),
    "joy": r"happ(?:y|iness)|joy\w*|glad\b|delight\w*|pleased|smil\w+|cheerful\b|laugh\w*|giggl\w+|grin\w*|good mood",
    "excited": r"excite[dm]\w*|enthusia\w+|thrilled|eager\w*",
    "proud": r"proud|pride",
    "sad": r"sad(?:ness)?\b|unhapp\w+|cry(?:ing)?\b|disappoint\w+|sorrow\w*|grief|depressed|gloomy|melanchol\w+"
    r"|weep\w*",
    "afraid": r"afraid|fear\w*|scared\b|frightened|terrified|anxious\w*|nervous\w*|worr(?:y|ied)|timid\b",
    "angry": r"angr(?:y|er)|anger\b|annoyed|annoyance|furious|frustrat\w+|grumpy|impatien\w+|irritat\w+|cross\b"
    r"|upset\b",
    "bored": r"bored(?:om)?\b|boring",
    "tired": r"tired(?:ness)?|sleepy|exhausted|yawn\w*|weary|drowsy",
    "curious": r"curio\w+|interest(?:ed)?\b|intrigued|inquisitive|fascinat\w+",
    "surprised": r"surpris\w+|astonish\w+|amaz\w+|startled|shocked",
    "shy": r"(?:be|are|act|look|feel|seem|being) (?:\w+ )?(?:shy|bashful)|shyness|embarrass\w+|asham\w+"
    r"|bashful\w*|blush\w*",
    "calm": r"relax\w*|(?:be|act|stay|look) (?:\w+ )?calm|calmness|at ease|peaceful",
    "love": r"(?:show|express)\w* (?:\w+ )?(?:love|affection)|like them|fond of|friendl(?:y|iness)\b|kindness"
    r"|sympathy",
    "busy": r"busy|occupied|do not disturb|working\b",
    "lost": r"(?:are |be |feel |look )lost\b|lost your way|do not know where you are",
    "stuck": r"(?:are |be |got |get |feel )(?:\w+ )?stuck|cannot (?:go|get) (?:on|further|any further)"
    r"|can go no further",
    "low_battery": r"(?:low|empty|weak|dying|flat) (?:on )?(?:battery|power|charge)|battery|hungry|recharg\w+",
    "ready": r"ready\b|available\b|at (?:\w+ )?service|free to help",
    "wait": r"wait\b|waiting|pause\b|pausing|hold on|do nothing|stand by",
    "stop": r"stop(?:ping)?\b|halt\b",
    "say": r"(?:say|tell|shout|ask|whisper|announce|call out|reply|answer|add|greet \w+ with|speak"
    r"|utter)\w*(?: \w+){0,4}? q\dq",
}
"""Intents of orders, in order of precedence where two begin at the same word."""

EVENTS: dict[str, str] = {
    "mistake_bad": (
        r"(?:mistake|error|accident|damage|wrong|fail\w*|broke|broken|dropped|spilled|spilt|ruined|destroyed)\b.*"
        r"(?:(?:cannot|can never|can not|could not|not) (?:\w+ )?(?:be )?(?:put right|put back|fixed|repaired"
        r"|corrected"
        r"|undone|fix|repair|undo|correct)|irreparabl\w+|irreversibl\w+|unfixable|beyond repair|for good|unrecoverable"
        r"|serious|terrible|unforgivable|forever)|(?:serious|terrible|grave|unrecoverable|irreparable"
        r"|big) (?:mistake|error)"
    ),
    "mistake_small": r"mistake|error\b|did (?:something|it) wrong|went wrong|slip(?:ped)?\b|misunderst\w+"
    r"|took the wrong",
    "teach": (
        r"(?:call|want|teach|show|demonstrat|explain|train|instruct)\w*\b.*\b(?:show|teach|explain|how to"
        r"|demonstrat)\w*"
        r"|teaches you|shows you (?:how|what|a|the)|demonstrates|explains"
    ),
    "excuse": (
        r"(?:stand|is|are|block|sit|wait)\w*(?: \w+)? (?:in|your|on) (?:your|the)? ?(?:way|path|route|doorway|course)"
        r"|block\w*|obstruct\w*|in your (?:way|path)"
    ),
    "let_pass": (
        r"(?:want|need|tr(?:y|ies)|wish)\w* to (?:pass|get (?:by|past|through)|come (?:by|past|through)|overtake)"
        r"|you (?:are|stand) (?:\w+ )?(?:in (?:their|the|his|her|somebody's|someone's)|blocking)|in a hurry|hurries"
        r"|(?:narrow|tight) (?:corridor|door\w*|passage|hall\w*)"
    ),
    "goodbye": r"leav(?:e|es|ing)\b|goes? (?:away|home)|going home|says? (?:good)?bye|departs?|waves? goodbye",
    "acknowledge": (
        r"walk\w*(?: \w+){0,2} (?:by|past|along|in front|through)|pass(?:es|ing)?\b|goes? (?:by|past)|stopped"
        r"|stops|(?:look|glanc"
        r"|star)\w* at you|notices you|jogs|runs (?:by|past)|stand\w* (?:near|in front|before|next)"
    ),
    "wake": r"wake you|hey,? robot|you (?:are|were) (?:asleep|sleeping|dormant|in standby)|says your name"
    r"|calls your name",
    "comfort": r"(?:is|are|looks?|seems?|feels?|begins to|starts to) (?:\w+ )?(?:sad|crying|upset|cry|unhappy"
    r"|lonely|hurt|in"
    r" tears|frightened|worried|scared|afraid)|cries\b|fell\b|falls\b|weeps|has fallen",
    "thank_back": r"thank(?:s|ed|ing)? you|thanks\b|is grateful",
    "thank": r"prais\w+|compliment\w*|helped you|helps you|gives? you (?:a|the)|applauds?|good job|well done"
    r"|does you a fav",
    "congratulate": r"(?:has|have|just) (?:\w+ )?(?:won|succeeded|passed|finished)|graduat\w+|birthday"
    r"|got promoted|good news",
    "confused": r"(?:did|do|could|have) not (?:\w+ )?(?:underst\w+|hear|get|know what)|unclear|too noisy"
    r"|mumbl\w+|speaks? (?:a"
    r" )?(?:foreign|another)|contradict\w+|makes? no sense",
    "help": r"needs? (?:help|assistance|directions)|looks? lost|is lost|is searching|is looking for"
    r"|seems? (?:lost|confused)",
    "refuse": r"(?:asks|tells|orders|wants|begs) you to|cannot do|not allowed",
    "attention": r"talk(?:s|ing)?\b|speak(?:s|ing)?\b|tells? you|is telling|reads? to you|sings?\b",
    "greet": (
        r"wav(?:e|es|ing)\b|smil(?:e|es|ing)\b|nods\b|greets?\b|says? (?:hello|hi)|enters?\b|arriv(?:e|es|ed"
        r"|ing)|com(?:e|es|ing) (?:in"
        r"|into|up|towards"
        r"|to|back|home)|approach(?:es|ing)|appear(?:s|ed)?\b|visit\w*|walks? (?:up|in|towards|into)|is (?:there|new)"
        r"|meet(?:s)?\b|introduc\w+|steps in"
    ),
    "surprised": r"(?:loud|sudden|strange|unexpected)(?:ly)?|bang\b|startl\w+|jumps? out|out of nowhere",
    "celebrate": (
        r"(?:task|job|work|mission|goal|delivery)\b.*(?:finish\w*|done|complet\w*|reached|succe\w+)|(?:finished"
        r"|completed"
        r"|succeeded|won|reached|accomplished|managed|solved)\b"
    ),
    "low_battery": r"battery|(?:low|short) on (?:power|energy)|need to charge|run(?:ning)? out of power",
    "stuck": r"stuck\b|cannot (?:move|go|get)|trapped|wheel.*(?:block|jam)",
    "lost": r"lost\b|do not know where you are|where you are",
    "busy": r"busy\b|working on|occupied",
    "think": r"need(?:s)? time|calculat\w+|processing|thinking",
    "curious": r"something (?:new|interesting|odd|unknown)|see an? (?:\w+ )?(?:object|toy|flower|dog|cat|thing)"
    r"|never seen",
    "apologise": r"bumped into|(?:you )?(?:hurt|startled|scared|disturbed|interrupted|annoyed)|too late|in the wrong",
    "bored": r"nothing to do|waiting for (?:a long time|hours)|nobody (?:comes|is there)",
    "tired": r"long (?:day|shift)|tired",
}
"""What a report calls for when no order says it, the particular before the general."""

HEARD: dict[str, str] = {
    "follow": r"follow|come with|come along|this way",
    "approach": r"come (?:here|over|closer|on|to)|over here|get over",
    "goodbye": r"(?:good ?)?bye|see you|farewell|good night",
    "back": r"go away|leave me|back off|move back|too close|get away|give me (?:some )?space|step back",
    "let_pass": r"excuse me|let me (?:pass|through|by)|may i pass|out of (?:my|the) way|coming through"
    r"|move over|step aside",
    "thank_back": r"thank|cheers",
    "thank": r"well done|good (?:job|robot|work)|great|nice|bravo|i like you|you are (?:so )?(?:cute|good|sweet"
    r"|great)",
    "wake": r"wake|hey,? robot|robot\b|are you (?:there|awake|on)",
    "listen": r"listen|let me tell|look at (?:this|me)|watch",
    "help": r"help|can you tell|where (?:is|are)|how do i",
    "stop": r"stop|wait|halt|hold on|stay",
    "apologise": r"you (?:hurt|broke|are wrong)|ouch|that was wrong|bad robot|wrong",
    "greet": r"hello|hi\b|hey|good (?:morning|day|evening|afternoon)|welcome|how are you|nice to meet",
    "agree": r"is (?:that|it) (?:ok|right|true)|are you (?:ready|sure|ok)|do you understand|right\?",
}
"""What is said to the robot, and what it calls for."""

FAMILIES: dict[str, frozenset[str]] = {
    "mistake_small": frozenset({"acknowledge", "apologise", "hope", "sad", "shy", "understand"}),
    "mistake_bad": frozenset({"apologise", "sad", "acknowledge", "shy"}),
    "wake": frozenset({"wake", "listen", "acknowledge", "attention", "ready"}),
    "excuse": frozenset({"excuse", "attract", "ask_slow", "let_pass"}),
    "teach": frozenset({"approach", "attention", "understand", "look_person", "listen"}),
    "follow": frozenset({"follow", "ask_slow", "acknowledge"}),
}
"""Orders that spell out parts of what a report already calls for as a whole."""

VAGUE = frozenset({"acknowledge"})  # orders that leave the reaction to what was reported

IMPOSSIBLE = re.compile(
    r"\b(?:guide|lead|escort|fly|hover|take off|grasp|grab|pick(?:ing)? (?:\w+ ){0,2}up|lift (?!your head"
    r"|the head)|carry|fetch"
    r"|bring (?:me|them|him|her|us|a|the)"
    r"|hand (?:me|them|him|her|over)|hold (?:a|the|my|their|his) \w+|(?:open|close|unlock|shut) (?:the |a "
    r"|my )?(?:door|window|drawer|fridge|box"
    r"|bottle|cupboard)s?|press(?:ing)? (?:the|a) button|climb|(?:up|down) the stairs|stairs|jump|hop|leap|swim"
    r"|dive|throw|catch (?:the|a)"
    r"|cook|bake|wash|clean|vacuum|hug\w*|embrace|shake hands|handshake|high[ -]five|fist bump|kiss|thumbs? up"
    r"|wink|write|draw (?:a|me)"
    r"|paint|somersault|backflip|handstand|push-?ups?|salsa lift|clap|wave your|type|pour|serve|cut|teleport|disappear"
    r"|drive (?:me|us) (?:home|to)|deliver|pull|drag|kick (?:the|a) ball|sit down|lie down|roll over|eat|drink"
    r"|make (?:me )?(?:coffee|tea))\b"
)

COLOURS = {
    "white": "white", "red": "red", "green": "green", "blue": "blue", "orange": "orange", "amber": "orange",
    "yellow": "yellow", "purple": "purple", "violet": "purple", "cyan": "cyan", "pink": "pink", "magenta": "magenta",
    "turquoise": "turquoise", "brown": "brown", "golden": "gold", "gold": "gold",
}  # fmt: skip
PATTERNS = (("blink", r"blink|flash|flicker"), ("pulse", r"puls|breath|glow"), ("steady", r"steady|solid|constant"))
TONES = (
    ("rising", r"rising|ascending|up"),
    ("falling", r"falling|descending|down|sad"),
    ("chime", r"chime|jingle|bell"),
    ("soft", r"soft|quiet|gentle|hum"),
    ("alert", r"alert|alarm|warning|loud|honk|sharp"),
)
