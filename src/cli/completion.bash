# Completion of sprf for bash; in ~/.bashrc: source <(sprf completion bash)
_sprf() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [[ $line == :* ]] && continue
    line=${line%%$'\t'*}
    [[ $line == "$2"* ]] && COMPREPLY+=("$line")
  done < <(sprf complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _sprf sprf
