// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ContextReader} from "./ContextReader.sol";

/// @title Fields that share slots, enums, booleans and structs in mappings
contract PackedMock is ContextReader {
    enum Mood {
        Calm,
        Busy,
        Gone
    }

    struct Hero {
        address owner;
        uint32 x;
        uint32 y;
        Mood mood;
        bool alive;
        int128 gold;
        uint64 movedMs;
    }

    mapping(uint256 hero => Hero) private _heroes;
    uint64 private _born;
    uint8 private _round;
    bool private _open;
    bytes15 private _tag;

    function spawn(uint8 hero, uint32 x, uint32 y) external {
        _heroes[hero % 8] = Hero(_sender(), x, y, Mood.Calm, true, 100, _timeMs());
        _born++;
    }

    function move(uint8 hero, int8 dx, int8 dy) external {
        Hero storage it = _heroes[hero % 8];
        it.x = uint32(uint256(int256(uint256(it.x)) + dx));
        it.y = uint32(uint256(int256(uint256(it.y)) + dy));
        it.movedMs = _timeMs();
    }

    function setMood(uint8 hero, uint8 mood) external {
        _heroes[hero % 8].mood = Mood(mood % 4);
    }

    function pay(uint8 from, uint8 to, int64 amount) external {
        _heroes[from % 8].gold -= amount;
        _heroes[to % 8].gold += amount;
    }

    function kill(uint8 hero) external {
        delete _heroes[hero % 8];
    }

    function toggle(bytes15 tag) external {
        (_open, _round, _tag) = (!_open, _round + 1, tag);
    }

    function heroOf(uint8 hero) external view returns (Hero memory) {
        return _heroes[hero % 8];
    }
}
