// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Where a channel's state has what the protocol knows of
/// @notice Namespaces of ERC-7201, so that no variable of a program meets them: "erc7201:sprf.channel.<name>". Each base is
/// that of a mapping.
library ChannelSlots {
    /// @dev mapping(address account => uint256 next). Written by the nodes.
    bytes32 internal constant NONCES =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.nonces")) - 1)) & ~bytes32(uint256(0xff));
    /// @dev mapping(address wallet => mapping(address key => uint256)): in the low 64 bits the expiry in milliseconds,
    /// above them the first 20 bytes of the keccak256 of the selectors that it may call, each padded to a word. Written by the nodes.
    bytes32 internal constant SESSIONS =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.sessions")) - 1)) & ~bytes32(uint256(0xff));
    /// @dev uint256: when the next tick is due, in milliseconds. Written by the nodes.
    bytes32 internal constant CLOCK =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.clock")) - 1)) & ~bytes32(uint256(0xff));
    /// @dev mapping(address member => bool): whose leave the program asks for; address zero: the channel's end.
    bytes32 internal constant REQUESTS =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.requests")) - 1)) & ~bytes32(uint256(0xff));
    /// @dev mapping(address account => mapping(bytes32 assetKey => uint256 amount)).
    bytes32 internal constant OWNED =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.owned")) - 1)) & ~bytes32(uint256(0xff));
    /// @dev mapping(address account => mapping(bytes32 assetKey => uint256 amount)): what left, ever.
    bytes32 internal constant EXITS =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.exits")) - 1)) & ~bytes32(uint256(0xff));
    /// @dev mapping(address account => bytes32[] assetKeys): of what is in OWNED.
    bytes32 internal constant ASSETS =
        keccak256(abi.encode(uint256(keccak256("sprf.channel.assets")) - 1)) & ~bytes32(uint256(0xff));

    /// @notice What the ledgers call an asset. Ether is token 0, id 0; ERC-20 have id 0.
    function assetKey(address token, uint256 id) internal pure returns (bytes32) {
        return keccak256(abi.encode(token, id));
    }

    function ownedSlot(address account, bytes32 key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, keccak256(abi.encode(account, OWNED))));
    }

    function exitsSlot(address account, bytes32 key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, keccak256(abi.encode(account, EXITS))));
    }

    function nonceSlot(address account) internal pure returns (bytes32) {
        return keccak256(abi.encode(account, NONCES));
    }

    /// @param member Zero for the channel's end.
    function requestSlot(address member) internal pure returns (bytes32) {
        return keccak256(abi.encode(member, REQUESTS));
    }

    function sessionSlot(address wallet, address key) internal pure returns (bytes32) {
        return keccak256(abi.encode(key, keccak256(abi.encode(wallet, SESSIONS))));
    }
}
