# Completion of sprf for zsh; in ~/.zshrc, after compinit: source <(sprf completion zsh)
_sprf() {
  local line
  local -a found
  while IFS= read -r line; do
    [[ $line == :* || -z $line ]] && continue
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done < <(sprf complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#found )); then
    _describe 'sprf' found
  else
    _files
  fi
}
compdef _sprf sprf
