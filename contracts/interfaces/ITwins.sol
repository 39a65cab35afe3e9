// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title On-chain identities
/// @notice A twin ties an Ethereum account to the key that others write to (secp256k1) and to its Stellar account.
/// Each account has at most one twin; ids count from 1. Keys can be rotated; every older version stays readable, so
/// that what was encrypted or signed with it can still be opened and checked.
///
/// The proof that a message key belongs to the caller is an EIP-712 signature by that very key, 65 bytes (r, s, v):
/// domain `{ name: "SPRF Twins", version: "1", chainId, verifyingContract: this contract }`,
/// type `TwinProof(address account,bytes32 ledgerKey,uint256 nonce)`,
/// message `{ account: msg.sender, ledgerKey, nonce: nonces(msg.sender) }`.
interface ITwins {
    /// @notice A twin's keys in one version.
    struct Twin {
        uint256 twinId;
        address account;
        // Counts from 1; higher is newer.
        uint256 version;
        // Uncompressed secp256k1 public key without its 0x04 prefix, 64 bytes.
        bytes messageKey;
        // Raw ed25519 public key of the Stellar account.
        bytes32 ledgerKey;
    }

    event TwinRegistered(uint256 indexed twinId, address indexed account, bytes messageKey, bytes32 ledgerKey);
    event TwinUpdated(
        uint256 indexed twinId,
        address indexed account,
        uint256 version,
        bytes messageKey,
        bytes32 ledgerKey
    );

    /// @notice The caller already has a twin.
    error Twins_AlreadyRegistered(address account, uint256 twinId);
    /// @notice The caller has no twin yet.
    error Twins_NotRegistered(address account);
    /// @notice No twin has this id.
    error Twins_UnknownTwin(uint256 twinId);
    /// @notice The twin has no such version of its keys.
    error Twins_UnknownVersion(uint256 twinId, uint256 version);
    /// @notice A message key has exactly 64 bytes.
    error Twins_BadKeyLength(uint256 expected, uint256 actual);
    /// @notice The ledger key is zero.
    error Twins_ZeroLedgerKey();
    /// @notice The proof was not made by the message key, or for another account, ledger key, nonce, chain or contract.
    error Twins_BadProof(address expected, address actual);
    /// @notice Another twin, or an older version of this one, uses the message key.
    error Twins_MessageKeyTaken(address keyAddress, uint256 twinId);

    /// @notice Makes a twin for the caller.
    /// @param messageKey 64 bytes, see `Twin`.
    /// @param ledgerKey Raw ed25519 key, not zero.
    /// @param proof EIP-712 signature by the message key, see above.
    /// @return twinId Counts from 1.
    /// @dev Reverts with Twins_AlreadyRegistered, Twins_BadKeyLength, Twins_ZeroLedgerKey, Twins_BadProof,
    /// Twins_MessageKeyTaken, or one of ECDSA's errors when the signature is malformed.
    function register(
        bytes calldata messageKey,
        bytes32 ledgerKey,
        bytes calldata proof
    ) external returns (uint256 twinId);

    /// @notice Rotates the caller's keys. The message key may stay the same when only the ledger key changes.
    /// @return version The new version.
    /// @dev Reverts as `register` does, and with Twins_NotRegistered.
    function update(
        bytes calldata messageKey,
        bytes32 ledgerKey,
        bytes calldata proof
    ) external returns (uint256 version);

    /// @notice How many twins there are; ids run from 1 to this number.
    function twinCount() external view returns (uint256);

    /// @notice The id of the account's twin, 0 when it has none.
    function twinOf(address account) external view returns (uint256 twinId);

    /// @notice The id of the twin whose message key, in any version, has this Ethereum address; 0 when there is none.
    function twinOfKey(address keyAddress) external view returns (uint256 twinId);

    /// @notice The twin with its newest keys. Reverts with Twins_UnknownTwin.
    function twin(uint256 twinId) external view returns (Twin memory);

    /// @notice The twin with the keys of one version. Reverts with Twins_UnknownTwin or Twins_UnknownVersion.
    function twinAt(uint256 twinId, uint256 version) external view returns (Twin memory);
}
