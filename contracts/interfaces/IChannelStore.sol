// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A channel's settled state
/// @notice A clone for each channel. Its storage is the program's as the last settlement left it, and nothing else is in
/// it, so it has no functions of its own: it is called through the program's interface, and views answer.
///
/// The hub is known by its address and by nothing else: what it sends are changes (slot, old value, new value), 96 bytes
/// each, and the new values are written. Whoever else calls reads: in a static call of its own the store runs the
/// program, with a context (see {IChannelProgram}) of sender zero and time, height and hash of the last settled record.
/// What writes fails there.
interface IChannelStore {
    /// @notice A settlement is being applied by parts; until the last one the state is neither old nor new.
    error ChannelStore_Locked(uint256 channel);
    /// @notice The hub sent something that is no list of changes: it called, which it never does.
    error ChannelStore_NotChanges(uint256 length);
    /// @notice This is what the stores are clones of; it belongs to no channel.
    error ChannelStore_NotAClone();
}
