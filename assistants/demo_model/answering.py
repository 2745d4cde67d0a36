"""The rules by which the demo model answers: greet by name, take the fact that fits best, admit when there is none."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assistants.demo_model.words import is_greeting, language_of, meaning

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"„A-ZÄÖÜ0-9])|\n+")
# What an instruction begins with: it tells the model how to be, and is no fact for a customer.
INSTRUCTION = re.compile(
    r"^[\s\-*•]*(du\b|sie sind\b|antworte|beantworte|nenne|sag|schreib|verwende|nutze|sei\b|begrüße|frage|erfinde"
    r"|gib|bleib|you\b|answer|reply|write|use\b|be\b|greet|ask\b|do not"
    r"|don't|never|always|keep|say\b|immer\b|nie\b|niemals)",
    re.IGNORECASE,
)
RULES_HEADING = re.compile(r"^\s*rules that always hold", re.IGNORECASE | re.MULTILINE)
DATA_BLOCK = re.compile(r"<<<DATA\n(.*?)\nDATA>>>", re.DOTALL)
NAME_KEYS = ("first_name", "vorname", "customer_name", "kundenname", "full_name", "profile_name", "name")
# Below this the best fact has nothing to do with the question.
LEAST_FIT = 0.12

SENTENCES = {
    "de": {
        "greeting": "Hallo{name}! Wie kann ich Ihnen helfen?",
        "opening": "Hallo{name}! {answer}",
        "unknown": "Das weiß ich leider nicht. Ich gebe Ihre Frage gerne an unser Team weiter.",
    },
    "en": {
        "greeting": "Hello{name}! How can I help you?",
        "opening": "Hello{name}! {answer}",
        "unknown": "I am sorry, I do not know that. I will gladly pass your question on to our team.",
    },
}


@dataclass(frozen=True)
class Prompt:
    """What the rules need of a request's messages. Only the system's text and the first data block are believed."""

    facts: list[str]
    data: Mapping[str, Any]
    question: str
    is_first: bool
    language: str


def read_prompt(messages: list[dict[str, Any]]) -> Prompt:
    """Take a request's messages apart."""
    system = "\n".join(text_of(one) for one in messages if one.get("role") in ("system", "developer"))
    talk = [one for one in messages if one.get("role") in ("user", "assistant", "tool")]
    data: Mapping[str, Any] = {}
    block = DATA_BLOCK.search(text_of(talk[0])) if talk and talk[0].get("role") == "user" else None
    if block is not None and len(talk) > 1:
        data, talk = _json_object(block[1]), talk[1:]
    questions = [text_of(one) for one in talk if one.get("role") == "user"]
    question = questions[-1] if questions else ""
    hint = "en" if re.search(r"unclear, in English", system) else "de"
    return Prompt(
        facts=[*facts_of(system), *facts_of_data(data)],
        data=data or _json_object(system),
        question=question,
        is_first=not any(one.get("role") == "assistant" for one in talk),
        language=language_of(question, hint),
    )


def text_of(message: Mapping[str, Any]) -> str:
    """A message's text; of a list of parts the text parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def facts_of(system: str) -> list[str]:
    """The sentences of the business's own text that say something, without what tells the model how to be."""
    own = RULES_HEADING.split(system)[0]
    sentences = (piece.strip(" \t-*•#") for piece in SENTENCE_END.split(own))
    return [one for one in sentences if len(one) > 8 and not INSTRUCTION.match(one) and not one.endswith(":")]


def facts_of_data(data: Mapping[str, Any]) -> list[str]:
    """Texts of several words among the variables are facts too (knowledge that a flow has looked up)."""
    return [sentence for text in _texts(data) if len(text.split()) >= 5 for sentence in facts_of(text)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def answer_of(prompt: Prompt) -> str:
    """The answer in the customer's language."""
    sentences, name = SENTENCES[prompt.language], customer_name(prompt.data)
    shown_name = f" {name}" if name else ""
    if is_greeting(prompt.question) or not prompt.question.strip():
        return sentences["greeting"].format(name=shown_name)
    answer = best_fact(prompt.question, prompt.facts) or sentences["unknown"]
    if prompt.is_first and name:
        return sentences["opening"].format(name=shown_name, answer=answer)
    return answer


def customer_name(data: Mapping[str, Any]) -> str:
    """The customer's name among the variables, at any depth; the first of the usual keys."""
    for key in NAME_KEYS:
        for name, value in _pairs(data):
            if name.lower() == key and isinstance(value, str) and _can_be_a_name(value.strip()):
                return value.strip().splitlines()[0]
    return ""


def _can_be_a_name(text: str) -> bool:
    # Profiles may show only a number.
    return len(text) <= 60 and any(sign.isalpha() for sign in text)


def _pairs(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from data.items()
    for value in data.values():
        if isinstance(value, Mapping):
            yield from _pairs(value)


def best_fact(question: str, facts: Iterable[str]) -> str | None:
    """The fact that shares most with the question; words that many facts have count less."""
    listed = [(fact, meaning(fact)) for fact in facts]
    asked = meaning(question)
    weight = {word: math.log(1 + len(listed) / (1 + sum(word in words for _, words in listed))) + 0.1 for word in asked}
    total = sum(weight.values())
    scored = [
        (sum(weight[word] for word in asked if _shared(word, words)) / total, fact) for fact, words in listed if total
    ]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
    return best[1] if best[0] > LEAST_FIT else None


def _shared(word: str, words: set[str]) -> bool:
    """The same stem, or one inside the other (German puts words together)."""
    return word in words or (
        len(word) >= 5 and any(word in other or (len(other) >= 5 and other in word) for other in words)
    )
