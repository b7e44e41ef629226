namespace Gatehouse.Mend.Credentials.TelnetPasswd;

/// <summary>Parts a telnet stream into text and commands, byte by byte, so that a command may be split anywhere.</summary>
/// <remarks>
/// RFC 854. Every option is refused (RFC 1143's answer for one who wants none): to WILL the answer is DONT, to DO it is WONT. A refused option
/// is refused once, since a peer that asks for ever must not keep us answering.
/// </remarks>
public sealed class TelnetDecoder
{
    /// <summary>Most answers to options in one connection; there are 256 options and two questions.</summary>
    public const int MaxAnswers = 512;

    private const byte Iac = 255, Dont = 254, Do = 253, Wont = 252, Will = 251, Subnegotiation = 250, SubnegotiationEnd = 240;

    private readonly bool[] _answered = new bool[512];
    private Place _place;
    private byte _command;

    private enum Place
    {
        Text,
        Command,
        Option,
        Subnegotiation,
        SubnegotiationCommand,
    }

    /// <summary>Takes bytes as they came. Text goes to <paramref name="text"/>, what must be answered to <paramref name="answer"/>.</summary>
    public void Take(ReadOnlySpan<byte> bytes, List<byte> text, List<byte> answer)
    {
        foreach (var value in bytes) Take(value, text, answer);
    }

    private void Take(byte value, List<byte> text, List<byte> answer)
    {
        switch (_place)
        {
            case Place.Text when value == Iac:
                _place = Place.Command;
                break;
            case Place.Text:
                text.Add(value);
                break;
            case Place.Command:
                _place = AfterCommand(value, text);
                break;
            case Place.Option:
                Refuse(value, answer);
                _place = Place.Text;
                break;
            case Place.Subnegotiation when value == Iac:
                _place = Place.SubnegotiationCommand;
                break;
            case Place.SubnegotiationCommand:
                _place = value == SubnegotiationEnd ? Place.Text : Place.Subnegotiation;
                break;
        }
    }

    private Place AfterCommand(byte value, List<byte> text)
    {
        _command = value;
        switch (value)
        {
            case Iac:
                text.Add(Iac);
                return Place.Text;
            case Will or Wont or Do or Dont:
                return Place.Option;
            case Subnegotiation:
                return Place.Subnegotiation;
            default:
                return Place.Text;
        }
    }

    private void Refuse(byte option, List<byte> answer)
    {
        if (_command is not (Will or Do)) return;
        ref var answered = ref _answered[option + (_command == Do ? 256 : 0)];
        if (answered) return;
        answered = true;
        answer.AddRange([Iac, _command == Will ? Dont : Wont, option]);
    }
}
