"""Completion scripts for bash and zsh, from the shapes of the commands.

In bash, Git's completion calls `_git_data` for `git data`, with the words in `words`, `cword` and
`cur` (git/git, contrib/completion/git-completion.bash), and `__gitcomp` shows candidates. The same
function serves zsh with Git's own git-completion.zsh; zsh's `_git` calls `_git-data`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

# kind of an argument -> the command that lists candidates (others: files, by the shell itself)
_LISTS = {
    "REF|PATH": "git for-each-ref --format='%(refname:short)'",
    "REV|PATH": "git for-each-ref --format='%(refname:short)'",
    "REV": "git for-each-ref --format='%(refname:short)'",
    "REMOTE": "git remote",
}
_ZSH_ACTIONS = {
    "REF|PATH": "_git_data_refs_or_files",
    "REV|PATH": "_git_data_refs_or_files",
    "REV": "_git_data_refs",
    "REMOTE": "_git_data_remotes",
    "SIZE": " ",
    "URL": "_directories",
}


class Option(NamedTuple):
    names: tuple[str, ...]
    about: str
    value: str  # kind of its value, "" when it has none


class Shape(NamedTuple):
    """A command as a shell sees it. Kinds: choices with spaces between, or a word like PATH."""

    name: str
    about: str
    options: tuple[Option, ...]
    arguments: str  # kind of its arguments, "" when it has none


_FUNCTIONS = """\
_git_data_candidates () # COMMAND CURRENT PREVIOUS: words, one kind or another; none means files
{{
	case "$1,$3" in
{values}	esac
	case "$1,$2" in
	,*) printf '%s\\n' {commands} ;;
{options}	esac
	case "$1" in
{arguments}	esac
}}

_git_data_command () # FIRST: the command after word FIRST, if it is complete
{{
	if test "$cword" -gt "$(($1 + 1))"; then printf '%s' "${{words[$(($1 + 1))]}}"; fi
}}

_git_data () # called by Git's completion
{{
	local at=${{__git_cmd_idx:-1}}
	while test "$at" -lt "$cword" && test "${{words[$at]}}" != data; do at=$((at + 1)); done
	local command=$(_git_data_command "$at") previous=${{words[$((cword - 1))]}}
	__gitcomp "$(_git_data_candidates "$command" "$cur" "$previous")"
}}
"""

_BASH = """\
# Completion of `git data` and `git-data` for bash: source <(git-data completion bash)

{functions}
_git_data_alone () # git-data, without Git's completion
{{
	local words=("${{COMP_WORDS[@]}}") cword=$COMP_CWORD cur=$2 found
	found=$(_git_data_candidates "$(_git_data_command 0)" "$cur" "$3")
	COMPREPLY=($(compgen -W "$found" -- "$cur"))
}}
complete -o bashdefault -o default -F _git_data_alone git-data
"""

_ZSH = """\
#compdef git-data
#description keep large files beside Git
# Completion of `git data` and `git-data` for zsh: a file `_git-data` in a folder of $fpath.

{functions}
_git_data_refs () {{ compadd -- ${{(f)"$({refs} 2>/dev/null)"}} }}
_git_data_remotes () {{ compadd -- ${{(f)"$({remotes} 2>/dev/null)"}} }}
_git_data_refs_or_files () {{ _git_data_refs; _files }}

_git-data () # called by zsh for git-data, and by its completion of git
{{
	local curcontext="$curcontext" state line ret=1
	typeset -A opt_args
	local -a commands
	commands=(
{commands}	)
	_arguments -C '1:command:->command' '*::argument:->argument' && ret=0
	case $state in
	command) _describe -t commands 'git data command' commands && ret=0 ;;
	argument)
		case $words[1] in
{arguments}		esac ;;
	esac
	return ret
}}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
	_git-data "$@"
elif (( $+functions[compdef] )); then
	compdef _git-data git-data
fi
"""


def bash(shapes: Sequence[Shape]) -> str:
    return _BASH.format(functions=_functions(shapes))


def zsh(shapes: Sequence[Shape]) -> str:
    commands = "".join(f"\t\t{_quote(shape.name + ':' + shape.about)}\n" for shape in shapes)
    arguments = "".join(_zsh_case(shape) for shape in shapes)
    return _ZSH.format(
        functions=_functions(shapes),
        commands=commands,
        arguments=arguments,
        refs=_LISTS["REV"],
        remotes=_LISTS["REMOTE"],
    )


SHELLS: dict[str, Callable[[Sequence[Shape]], str]] = {"bash": bash, "zsh": zsh}


# bash


def _functions(shapes: Sequence[Shape]) -> str:
    return _FUNCTIONS.format(
        commands=" ".join(shape.name for shape in shapes),
        values="".join(_bash_values(shape) for shape in shapes),
        options="".join(_bash_options(shape) for shape in shapes),
        arguments="".join(_bash_arguments(shape) for shape in shapes),
    )


def _bash_values(shape: Shape) -> str:
    """What follows an option that takes a value."""
    lines = ""
    for option in shape.options:
        if option.value:
            asked = "|".join(f"{shape.name},{name}" for name in option.names)
            lines += f"\t{asked}) {_bash_list(option.value)}; return ;;\n"
    return lines


def _bash_options(shape: Shape) -> str:
    names = " ".join(name for option in shape.options for name in option.names)
    return f"\t{shape.name},-*) printf '%s\\n' {names}; return ;;\n"


def _bash_arguments(shape: Shape) -> str:
    listing = _bash_list(shape.arguments)
    return "" if listing == ":" else f"\t{shape.name}) {listing} ;;\n"


def _bash_list(kind: str) -> str:
    if kind in _LISTS:
        return f"{_LISTS[kind]} 2>/dev/null"
    return f"printf '%s\\n' {kind}" if kind and kind != kind.upper() else ":"


# zsh


def _zsh_case(shape: Shape) -> str:
    specs = [_zsh_option(option) for option in shape.options]
    if shape.arguments:
        specs.append(_quote(f"*:{_zsh_text(shape.arguments)}:{_zsh_action(shape.arguments)}"))
    lines = " \\\n\t\t\t\t".join(specs)
    return f"\t\t{shape.name}) _arguments \\\n\t\t\t\t{lines} && ret=0 ;;\n"


def _zsh_option(option: Option) -> str:
    about = f"[{_zsh_text(option.about)}]"
    value = f":{_zsh_text(option.value)}:{_zsh_action(option.value)}" if option.value else ""
    if len(option.names) == 1:
        return _quote(option.names[0] + about + value)
    names = " ".join(option.names)
    return f"'({names})'{{{','.join(option.names)}}}{_quote(about + value)}"


def _zsh_action(kind: str) -> str:
    if kind != kind.upper():
        return f"({kind})"
    return _ZSH_ACTIONS.get(kind, "_files")


def _zsh_text(text: str) -> str:
    """Without what `_arguments` would take for the end of a text."""
    return "".join("\\" + letter if letter in "[]:\\" else letter for letter in text)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
