// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelProgram} from "../../channels/ChannelProgram.sol";
import {Asset} from "../../types/ChannelTypes.sol";

/// @title Everything that a program has from its base, for tests
contract FeatureProgram is ChannelProgram {
    struct Profile {
        string name;
        uint128 score;
        uint64 level;
        bool isKnown;
        uint8[] marks;
    }

    /// @dev Shares one slot.
    uint64 public first;
    bool public second;
    address public third;

    mapping(address account => Profile) private _profiles;
    mapping(bytes32 key => mapping(uint256 => bytes)) private _blobs;

    /// @notice What the hooks saw last.
    string public lastHook;
    address public lastMember;
    uint256 public lastAssets;
    /// @notice Set by `failHooks`.
    bool public hooksFail;

    error FeatureProgram_HooksFail();

    function setPacked(uint64 one, bool two, address three) external {
        (first, second, third) = (one, two, three);
    }

    function setProfile(string calldata name, uint128 score, uint64 level, uint8[] calldata marks) external {
        _profiles[_sender()] = Profile({name: name, score: score, level: level, isKnown: true, marks: marks});
    }

    function setBlob(bytes32 key, uint256 index, bytes calldata blob) external {
        _blobs[key][index] = blob;
    }

    function failHooks(bool fail) external {
        hooksFail = fail;
    }

    function requestLeave(address member) external {
        _requestLeave(member);
    }

    function requestClose() external {
        _requestClose();
    }

    function credit(address account, bytes32 assetKey, uint256 amount) external {
        _credit(account, assetKey, amount);
    }

    function move(address to, bytes32 assetKey, uint256 amount) external {
        _move(_sender(), to, assetKey, amount);
    }

    function withdraw(bytes32 assetKey, uint256 amount) external {
        _withdraw(_sender(), assetKey, amount);
    }

    function profileOf(address account) external view returns (Profile memory) {
        return _profiles[account];
    }

    function blobOf(bytes32 key, uint256 index) external view returns (bytes memory) {
        return _blobs[key][index];
    }

    function context() external pure returns (address sender, uint64 timeMs, uint64 height, bytes32 randomness) {
        return (_sender(), _timeMs(), _height(), _randomness());
    }

    function _onJoin(address member, Asset[] calldata assets) internal override {
        _saw("join", member);
        lastAssets = assets.length;
    }

    function _onLeave(address member) internal override {
        _saw("leave", member);
        lastAssets = assetsOf(member).length;
    }

    function _onTick() internal override {
        _saw("tick", address(0));
    }

    function _onClose() internal override {
        _saw("close", address(0));
    }

    function _saw(string memory hook, address member) private {
        if (hooksFail) revert FeatureProgram_HooksFail();
        (lastHook, lastMember) = (hook, member);
    }
}
