// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ITwins} from "../interfaces/ITwins.sol";

/// @title On-chain identities, see {ITwins}
contract Twins is ITwins, EIP712, Nonces {
    struct Keys {
        bytes32 messageKeyX;
        bytes32 messageKeyY;
        bytes32 ledgerKey;
    }

    uint256 private constant MESSAGE_KEY_BYTES = 64;
    bytes32 private constant PROOF_TYPEHASH = keccak256("TwinProof(address account,bytes32 ledgerKey,uint256 nonce)");

    uint256 private _twinCount;
    mapping(address account => uint256 twinId) private _twinOf;
    mapping(address keyAddress => uint256 twinId) private _twinOfKey;
    mapping(uint256 twinId => address account) private _accountOf;
    mapping(uint256 twinId => Keys[] versions) private _keys;

    constructor() EIP712("SPRF Twins", "1") {}

    /// @inheritdoc ITwins
    function register(
        bytes calldata messageKey,
        bytes32 ledgerKey,
        bytes calldata proof
    ) external returns (uint256 twinId) {
        twinId = _twinOf[msg.sender];
        if (twinId != 0) revert Twins_AlreadyRegistered(msg.sender, twinId);

        twinId = ++_twinCount;
        _twinOf[msg.sender] = twinId;
        _accountOf[twinId] = msg.sender;
        _addKeys(twinId, messageKey, ledgerKey, proof);
        emit TwinRegistered(twinId, msg.sender, messageKey, ledgerKey);
    }

    /// @inheritdoc ITwins
    function update(
        bytes calldata messageKey,
        bytes32 ledgerKey,
        bytes calldata proof
    ) external returns (uint256 version) {
        uint256 twinId = _twinOf[msg.sender];
        if (twinId == 0) revert Twins_NotRegistered(msg.sender);

        version = _addKeys(twinId, messageKey, ledgerKey, proof);
        emit TwinUpdated(twinId, msg.sender, version, messageKey, ledgerKey);
    }

    /// @inheritdoc ITwins
    function twinCount() external view returns (uint256) {
        return _twinCount;
    }

    /// @inheritdoc ITwins
    function twinOf(address account) external view returns (uint256 twinId) {
        return _twinOf[account];
    }

    /// @inheritdoc ITwins
    function twinOfKey(address keyAddress) external view returns (uint256 twinId) {
        return _twinOfKey[keyAddress];
    }

    /// @inheritdoc ITwins
    function twin(uint256 twinId) external view returns (Twin memory) {
        return _twinAt(twinId, _keys[twinId].length);
    }

    /// @inheritdoc ITwins
    function twinAt(uint256 twinId, uint256 version) external view returns (Twin memory) {
        return _twinAt(twinId, version);
    }

    /// @dev Checks the proof and appends the keys as the newest version.
    function _addKeys(
        uint256 twinId,
        bytes calldata messageKey,
        bytes32 ledgerKey,
        bytes calldata proof
    ) private returns (uint256 version) {
        if (messageKey.length != MESSAGE_KEY_BYTES) revert Twins_BadKeyLength(MESSAGE_KEY_BYTES, messageKey.length);
        if (ledgerKey == bytes32(0)) revert Twins_ZeroLedgerKey();

        address keyAddress = address(uint160(uint256(keccak256(messageKey))));
        bytes32 structHash = keccak256(abi.encode(PROOF_TYPEHASH, msg.sender, ledgerKey, _useNonce(msg.sender)));
        address signer = ECDSA.recoverCalldata(_hashTypedDataV4(structHash), proof);
        if (signer != keyAddress) revert Twins_BadProof(keyAddress, signer);

        _claimKey(twinId, keyAddress, messageKey);
        Keys[] storage versions = _keys[twinId];
        versions.push(Keys(bytes32(messageKey[:32]), bytes32(messageKey[32:]), ledgerKey));
        return versions.length;
    }

    /// @dev A message key belongs to one twin for ever; within a twin only the newest version may be kept on.
    function _claimKey(uint256 twinId, address keyAddress, bytes calldata messageKey) private {
        uint256 holder = _twinOfKey[keyAddress];
        if (holder == 0) {
            _twinOfKey[keyAddress] = twinId;
            return;
        }
        Keys[] storage versions = _keys[twinId];
        uint256 count = versions.length;
        bool kept = holder == twinId && count != 0 && versions[count - 1].messageKeyX == bytes32(messageKey[:32]);
        if (!kept) revert Twins_MessageKeyTaken(keyAddress, holder);
    }

    function _twinAt(uint256 twinId, uint256 version) private view returns (Twin memory) {
        if (twinId == 0 || twinId > _twinCount) revert Twins_UnknownTwin(twinId);
        if (version == 0 || version > _keys[twinId].length) revert Twins_UnknownVersion(twinId, version);
        Keys memory keys = _keys[twinId][version - 1];
        return
            Twin({
                twinId: twinId,
                account: _accountOf[twinId],
                version: version,
                messageKey: bytes.concat(keys.messageKeyX, keys.messageKeyY),
                ledgerKey: keys.ledgerKey
            });
    }
}
