"""``phototag completion``: the script that makes a shell complete command lines with the tab key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM, VARIABLE = "phototag", "_PHOTOTAG_COMPLETE"

BASH = r"""# bash completion for phototag
_phototag_completion() {
    local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} given kind value
    # bash also parts words at colons, phototag does not: it gets the line. COMP_CWORD -1 is the last word of it.
    [[ $line == *[[:space:]] ]] && given="$line''" || given=$line
    # What stands before the part that bash completes, as "tag:" of "tag:sea", has to be left out of the replies.
    [[ $word == : ]] && word=
    local before=${line%"$word"}
    before=${before##*[[:space:]]}
    [[ $before == *: ]] || before=
    COMPREPLY=()
    while IFS=, read -r kind value; do
        if [[ $kind == file || $kind == dir ]]; then
            [[ $value == "$before"* ]] && value=${value:${#before}}
            compopt -o filenames 2>/dev/null
            if [[ $kind == dir ]]; then
                COMPREPLY+=($(compgen -d -- "$value"))
            else
                COMPREPLY+=($(compgen -f -- "$value"))
            fi
        elif [[ $kind == plain ]]; then
            [[ $value == *: ]] && compopt -o nospace 2>/dev/null
            [[ $value == "$before"* ]] && value=${value:${#before}}
            case $word in
                \'*) value=${value//\'/\'\\\'\'} ;;
                \"*) value=${value//\\/\\\\} value=${value//\"/\\\"} value=${value//\$/\\\$} value=${value//\`/\\\`} ;;
                *) [[ $value == *: ]] || printf -v value %q "$value" ;;
            esac
            COMPREPLY+=("$value")
        fi
    done < <(env COMP_WORDS="$given" COMP_CWORD=-1 _PHOTOTAG_COMPLETE=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F _phototag_completion phototag
"""

ZSH = r"""#compdef phototag
# zsh completion for phototag
_phototag_completion() {
    local -a names values described
    local kind value help
    (( $+commands[phototag] )) || return 1
    while IFS= read -r kind && IFS= read -r value && IFS= read -r help; do
        if [[ $kind == file || $kind == dir ]]; then
            compset -P '*:'  # of "like:photo.jpg" only what follows the colon is a file
            [[ $kind == dir ]] && _files -/ || _files
        elif [[ $value == *: ]]; then
            names+=("${value//\\:/:}")
        elif [[ $help == _ ]]; then
            values+=("$value")
        else
            described+=("$value:$help")
        fi
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _PHOTOTAG_COMPLETE=zsh_complete phototag 2>/dev/null)
    (( $#names )) && compadd -U -S '' -V names -- $names
    (( $#values )) && compadd -U -V values -- $values
    (( $#described )) && _describe -V described described -U
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _phototag_completion "$@"
else
    compdef _phototag_completion phototag
fi
"""

OWN = {"bash": BASH, "zsh": ZSH}

EPILOG = """\b
Examples:
  phototag completion bash > ~/.local/share/bash-completion/completions/phototag
  phototag completion zsh > ~/.zfunc/_phototag       with 'fpath+=~/.zfunc' before compinit in ~/.zshrc
  phototag completion fish > ~/.config/fish/completions/phototag.fish
  source <(phototag completion bash)                 for this shell only

Completed are commands, options and filters, and the tags, people, places, cameras and clusters of the library in the
current folder: phototag list tag:be<TAB>.
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, tags and people in a shell."""
    click.echo(script(shell), nl=False)


def script(shell: str) -> str:
    """Return the completion script of a shell. Click's own part words at colons in bash, and end names with a space."""
    if shell in OWN:
        return OWN[shell]
    found = get_completion_class(shell)
    if found is None:
        raise click.BadParameter(f"no completion for {shell}")
    return found(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source()
